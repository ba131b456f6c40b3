import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preparePlan } from "@thaw/assets";
import { parseSpec } from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import { coreRun } from "./core-run.ts";
import { kerasRun } from "./keras-run.ts";
import { pythonCall } from "./python-call.ts";

/** A network of somebody's own: most of the layer types, two operations, names of Keras's and of its author's. */
const BUILD = `
import os
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import keras
from keras import layers
keras.utils.set_random_seed(3)
inputs = keras.Input((None, None, 3))
x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
x = layers.Conv2D(8, 5, strides=2, padding="same", activation="relu", name="stem")(x)
x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
short = x
x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
x = layers.Activation("silu")(layers.BatchNormalization(epsilon=1e-4, momentum=0.8)(x))
s = layers.GlobalAveragePooling2D(keepdims=True)(x)
s = layers.Conv2D(8, 1, activation="hard_sigmoid", name="gate")(s)
x = layers.Multiply()([x, s])
x = layers.Dropout(0.3, noise_shape=(None, 1, 1, 1))(x)
x = layers.Add(name="join")([short, x * 0.5])
x = layers.Conv2D(12, 3, strides=2, padding="valid", name="last")(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
model = keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Dropout(0.2)(x)), name="own")
model.save(given["archive"])
model.save_weights(given["weights"])
open(given["config"], "w").write(model.to_json())
answer = [layer.name for layer in model.layers]`;

describe("a network of one's own", () => {
  const folder = mkdtempSync(join(tmpdir(), "thaw-"));
  const files = {
    archive: join(folder, "own.keras"),
    weights: join(folder, "own.weights.h5"),
    config: join(folder, "config.json"),
  };
  let names: readonly string[] = [];
  beforeAll(async () => {
    names = await pythonCall<readonly string[]>(BUILD, files);
  });

  async function planWith(config: string, weights: string, freeze: number): ReturnType<typeof preparePlan> {
    const spec = parseSpec({
      version: 1,
      name: "own",
      model: { architecture: "keras", config, imageSize: 32, weights },
      data: { kind: "builtin", name: "fashion-shoes", limit: 24 },
      split: { validation: 0.25 },
      freeze,
      optimizer: { name: "adam", learningRate: 0.01 },
      batchSize: 6,
      epochs: 2,
      record: "steps",
    });
    return await preparePlan(spec, { baseDir: folder });
  }

  it.each([0, 4])(
    "trains in Keras as in core, from its .keras archive, with %i layers frozen",
    async (depth) => {
      const { plan, storeDir } = await planWith("own.keras", "own.keras", depth);
      expect(plan.preprocessing).toBe("none");
      const frozen = plan.phases[0]?.treatments.filter(({ trainable }) => !trainable).map(({ name }) => name);
      expect(frozen).toEqual(names.slice(0, depth));

      const [keras, core] = [await kerasRun(plan, storeDir), await coreRun(plan, storeDir)];
      for (const [index, { loss }] of (core.outcome.steps ?? []).entries()) {
        const theirs = keras.outcome.steps?.[index]?.loss ?? Number.NaN;
        expect(Math.abs(loss - theirs) / theirs).toBeLessThan(1e-5);
      }
      expect(core.outcome.trainable).toEqual(keras.outcome.trainable);
      expect([...core.weights.keys()]).toEqual([...keras.weights.keys()]);
      expect(core.outcome.digests.frozen.after).toBe(keras.outcome.digests.frozen.after);
      const losses = core.outcome.epochs.map(({ train }) => train.loss);
      expect(losses[1]).toBeLessThan(losses[0] ?? 0);
    },
    300_000,
  );

  it("is the same from config.json and .weights.h5", async () => {
    const [archive, apart] = [
      await planWith("own.keras", "own.keras", 0),
      await planWith("config.json", "own.weights.h5", 0),
    ];
    expect(apart.plan.weights.blob).toEqual(archive.plan.weights.blob);
    expect(apart.plan.phases).toEqual(archive.plan.phases);
    expect(JSON.parse(readFileSync(files.config, "utf8")).class_name).toBe("Functional");
  });
});
