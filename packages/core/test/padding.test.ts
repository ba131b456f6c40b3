import { describe, expect, it } from "vitest";
import { resolveFreeze } from "../src/freeze/policy.ts";
import { buildNetwork } from "../src/model/network.ts";
import { withoutPadding } from "../src/plan/padding.ts";
import { planPass } from "../src/plan/pass.ts";
import { specWith } from "./spec-example.ts";
import { complete, lasting, tinyRun } from "./tiny-run.ts";

describe("withoutPadding", () => {
  it("gives each padding to the convolution behind it, and keeps the places of all layers", () => {
    const spec = specWith({ model: { alpha: 0.35, imageSize: 96 } });
    const { base, head, layers } = buildNetwork(spec.model, 3);
    const steps = planPass(layers, resolveFreeze(0, base.layers, head, spec));
    const merged = withoutPadding(steps);
    expect(merged.map(({ layer }) => layer.name)).toEqual(layers.map(({ name }) => name));
    const skipped = merged.filter((step) => step.skipped).map(({ layer }) => layer.name);
    expect(skipped).toEqual(["block_1_pad", "block_3_pad", "block_6_pad", "block_13_pad"]);
    const at = layers.findIndex(({ name }) => name === "block_1_depthwise");
    expect(merged[at]?.layer.op).toMatchObject({
      padding: [
        [0, 1],
        [0, 1],
      ],
      strides: 2,
    });
    expect(layers[merged[at]?.inputs[0] ?? 0]?.name).toBe("block_1_expand_relu");
  });

  it.each([0, 28, 100, 150])("changes nothing in what a run computes, with %i layers frozen", async (freeze) => {
    const run = await tinyRun({ freeze, epochs: 2, record: "steps" });
    const merged = await complete(run, { padsInConvolutions: true });
    const plain = await complete(run);
    const without = ({ outcome }: typeof plain): unknown => ({ ...(lasting(outcome) as object), cache: null });
    expect(without(merged)).toEqual(without(plain));
  });
});
