import { buildNetwork, type FreezePolicy, type PhaseSummary, resolveFreeze } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { htmlText } from "../src/page/markup.ts";
import { networkStrip, stripText, trainingMarkup } from "../src/page/network-strip.ts";
import { exampleRow } from "./results-example.ts";

const [RUN] = exampleRow("shoes-depth-freeze-0_seed-0").runs;

function phaseOf(freeze: FreezePolicy, batchNorm: "keras" | "inference-all" = "keras"): PhaseSummary {
  const network = buildNetwork(RUN.spec.model, 6);
  const policy = { frozenBatchNorm: "inference", batchNorm } as const;
  const layers = resolveFreeze(freeze, network.base.layers, network.head, policy);
  const [phase] = RUN.phases;
  if (phase === undefined) throw new Error("no phase");
  return { ...phase, freeze, layers };
}

describe("stripText", () => {
  it.each([
    [0, "input_layer to head trains"],
    [100, "input_layer to block_11_expand_relu frozen and block_11_depthwise to head trains"],
    [154, "input_layer to global_average_pooling2d frozen and head trains"],
  ])("says what trains where %s layers are frozen", (freeze, text) => {
    expect(stripText(phaseOf(freeze)).toLowerCase()).toContain(`from image to classes: ${text.toLowerCase()}`);
  });

  it("counts how batch normalizations run", () => {
    expect(stripText(phaseOf(0))).toContain("52 use batch statistics, 0 run in inference mode");
    expect(stripText(phaseOf(154))).toContain("0 use batch statistics, 52 run in inference mode");
    expect(stripText(phaseOf(0, "inference-all"))).toContain("0 use batch statistics, 52 run in inference mode");
  });

  it("says by how much a rate is multiplied", () => {
    const rules = [
      { layers: "block_1[3-6]_.*", lrMultiplier: 0.1 },
      { layers: "head", train: true },
      { layers: ".*", train: false },
    ];
    expect(stripText(phaseOf(rules))).toContain(
      "block_13_expand to block_16_project_BN trains at 0.1 of the learning rate",
    );
  });
});

describe("networkStrip", () => {
  it("draws frozen layers left of trained ones, in proportion to their number, and the head apart", () => {
    const text = htmlText(networkStrip(phaseOf(100)));
    const bars = [...text.matchAll(/<rect class="(frozen|trains)" x="([\d.]+)" y="11" width="([\d.]+)"/g)];
    expect(bars.map(([, kind]) => kind)).toEqual(["frozen", "trains", "trains"]);
    expect(Number(bars[0]?.[2])).toBe(0);
    // Layer 101 is an activation: it has no weights that could train, and goes with what is before it.
    expect(Number(bars[0]?.[3])).toBeCloseTo((290 * 101) / 155, 1);
    expect(Number(bars[2]?.[2])).toBe(294);
    expect(text.match(/class="bn-still"/g)?.length).toBe(34);
    expect(text.match(/class="bn-live"/g)?.length).toBe(18);
  });

  it("freezes nothing at 0, and all but the head at 154: the two that are read upside down", () => {
    expect(htmlText(networkStrip(phaseOf(0)))).not.toContain('class="frozen"');
    expect(htmlText(networkStrip(phaseOf(154))).match(/<rect class="trains"/g)?.length).toBe(1);
  });

  it("has one strip a phase", () => {
    const phases = [phaseOf(154), phaseOf(100)].map((phase, index) => ({ ...phase, name: `p${index}` }));
    expect(htmlText(trainingMarkup({ ...RUN, phases })).match(/class="strip"/g)?.length).toBe(2);
  });
});
