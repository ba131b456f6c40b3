import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preparePlan } from "@thaw/assets";
import { type ArchitectureName, parseSpec } from "@thaw/core";
import { afterAll, describe, expect, it } from "vitest";
import { pythonCall } from "./python-call.ts";

const SAVE = `
import os
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import keras
keras.utils.set_random_seed(1)
model = getattr(keras.applications, given["name"])(input_shape=(32, 32, 3), include_top=False, weights=None, pooling="avg")
for layer in model.layers:
    if isinstance(layer, keras.layers.Normalization):
        layer.adapt_mean.assign([0.485, 0.456, 0.406])
        layer.adapt_variance.assign([0.229, 0.224, 0.225])
for file in given["files"]:
    model.save_weights(file) if file.endswith(".weights.h5") else model.save(file)
answer = len(model.layers)`;

/** Every way of saving for the nets whose layers no reader had seen, one for the others. */
const CASES: readonly (readonly [name: ArchitectureName, formats: readonly string[]])[] = [
  ["MobileNet", ["weights.h5"]],
  ["ResNet50", ["weights.h5"]],
  ["MobileNetV3Small", ["weights.h5", "h5", "keras"]],
  ["EfficientNetB0", ["weights.h5", "h5", "keras"]],
];

describe("weights that Keras saved", () => {
  const folder = mkdtempSync(join(tmpdir(), "thaw-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(CASES)(
    "of %s are read from %o",
    async (name, formats) => {
      const files = formats.map((format) => join(folder, `${name}.${format}`));
      await pythonCall(SAVE, { name, files });
      const blobs: string[] = [];
      for (const weights of files) {
        const spec = parseSpec({
          version: 1,
          name: "weights",
          model: { architecture: name, imageSize: 32, weights },
          data: { kind: "builtin", name: "fashion-shoes", limit: 9 },
        });
        const { plan } = await preparePlan(spec, { baseDir: folder });
        blobs.push(plan.weights.blob?.sha256 ?? "none");
      }
      expect(blobs[0]).toMatch(/^[0-9a-f]{64}$/);
      expect(new Set(blobs).size).toBe(1);
    },
    300_000,
  );

  it("are asked for, with the line that makes them, where there are none to fetch", async () => {
    const spec = parseSpec({
      version: 1,
      name: "weights",
      model: { architecture: "ResNet50", imageSize: 32 },
      data: { kind: "builtin", name: "fashion-shoes", limit: 9 },
    });
    await expect(preparePlan(spec, { baseDir: folder })).rejects.toMatchObject({
      code: "weights-unavailable",
      message: 'model.weights: "imagenet" are weights of MobileNetV2, and the spec asks for ResNet50.',
      hint: expect.stringContaining(
        'keras.applications.ResNet50(include_top=False, pooling="avg").save_weights("resnet50.weights.h5")',
      ),
    });
  });
});
