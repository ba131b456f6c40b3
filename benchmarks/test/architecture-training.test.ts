import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { preparePlan } from "@thaw/assets";
import { type EpochRecord, parseSpec, type SpecInput } from "@thaw/core";
import { createRunner } from "@thaw/node-runner";
import { afterAll, describe, expect, it } from "vitest";

/** A configuration that Keras 2 wrote. */
const CONFIG = fileURLToPath(
  new URL("../../packages/core/test/golden/architectures/keras-2.config.json", import.meta.url),
);

const MODELS: readonly SpecInput["model"][] = [
  { architecture: "MobileNet", alpha: 0.5 },
  { architecture: "ResNet50" },
  { architecture: "MobileNetV3Small" },
  { architecture: "EfficientNetB0" },
  { architecture: "keras", config: CONFIG },
];

describe.skipIf(process.env.THAW_ASSETS === undefined)("two epochs on a handful of shoes (needs THAW_ASSETS)", () => {
  const runner = createRunner("node");
  afterAll(() => runner.close?.());

  it.each(MODELS.map((model) => [model?.architecture ?? "", model] as const))(
    "%s learns",
    async (_name, model) => {
      const spec = parseSpec({
        version: 1,
        name: "two-epochs",
        model: { ...model, imageSize: 32 + 32 * Number(model?.architecture !== "keras"), weights: "random" },
        data: { kind: "builtin", name: "shoes", limit: 36 },
        split: { validation: 0 },
        optimizer: { name: "adam", learningRate: 0.0002 },
        batchSize: 9,
        epochs: 2,
      });
      const { plan, storeDir } = await preparePlan(spec, { baseDir: join(CONFIG, "..") });
      const epochs: EpochRecord[] = [];
      for await (const event of runner.run(plan, { storeDir, settings: {} })) {
        if (event.type === "epoch") epochs.push(event);
      }
      const [first, second] = epochs.map(({ train }) => train.loss);
      expect(second).toBeLessThan(first ?? 0);
    },
    300_000,
  );
});
