import { describe, expect, it } from "vitest";
import { resolveFreeze } from "../src/freeze/policy.ts";
import { ARCHITECTURES } from "../src/model/architectures.ts";
import { modelFromKerasConfig } from "../src/model/keras-config.ts";
import { parameterCount } from "../src/model/layer.ts";
import { goldenConfig } from "./architecture-goldens.ts";
import { failureOf } from "./failure.ts";
import { KERAS } from "./one-step.ts";

/** Layers of Keras's `model.layers`, pooling included, and weights of `count_params()`. */
const COUNTS = {
  MobileNet: { layers: 87, params: 3_228_864 },
  ResNet50: { layers: 176, params: 23_587_712 },
  MobileNetV3Small: { layers: 158, params: 939_120 },
  // Keras counts a Normalization's counter, too, and has a layer more with ImageNet's weights than without.
  EfficientNetB0: { layers: 239, params: 4_049_570 },
} as const;

const NAMES = Object.keys(COUNTS) as (keyof typeof COUNTS)[];

describe.each(NAMES)("%s", (name) => {
  it.each([64, 97])("is at %i px the network of Keras's own configuration, row by row", (imageSize) => {
    const expected = modelFromKerasConfig(goldenConfig(name, imageSize), { imageSize, preprocessing: "tf" });
    const { layers, inputShape } = ARCHITECTURES[name].build({ alpha: 1, imageSize });
    // Keras numbers its inputs through a process.
    const rows = expected.layers.map((layer, index) => (index === 0 ? { ...layer, name: "input_layer" } : layer));
    const input = expected.layers[0]?.name ?? "";
    const renamed = rows.map((layer) => ({
      ...layer,
      inputs: layer.inputs.map((from) => (from === input ? "input_layer" : from)),
    }));
    expect(inputShape).toEqual(expected.inputShape);
    expect(layers).toEqual(renamed);
  });

  it("has as many layers and weights as Keras counts", () => {
    const { layers } = ARCHITECTURES[name].build({ alpha: 1, imageSize: 64 });
    expect(layers.filter(({ operation }) => operation === undefined)).toHaveLength(COUNTS[name].layers);
    expect(layers.reduce((sum, layer) => sum + parameterCount(layer), 0)).toBe(COUNTS[name].params);
  });

  it("takes freeze counts up to Keras's number of layers", async () => {
    const { layers } = ARCHITECTURES[name].build({ alpha: 1, imageSize: 64 });
    const count = COUNTS[name].layers;
    const frozen = resolveFreeze(count, layers, [], KERAS).filter(({ trainable }) => !trainable);
    expect(frozen).toHaveLength(layers.length);
    const error = await failureOf(() => resolveFreeze(count + 1, layers, [], KERAS));
    expect(error.message).toContain(`the network has ${count}`);
  });
});

describe("an operation between layers", () => {
  it("is passed over by a freeze count", () => {
    const { layers } = ARCHITECTURES.MobileNetV3Small.build({ alpha: 1, imageSize: 64 });
    // keras: [layer.name for layer in model.layers][13:17]
    const after = ["re_lu_1", "expanded_conv_squeeze_excite_mul", "expanded_conv_project", "expanded_conv_project_bn"];
    for (const [offset, name] of after.entries()) {
      const treatments = resolveFreeze(13 + offset, layers, [], KERAS);
      const first = treatments.findIndex(({ trainable, params }) => trainable && params >= 0);
      const firstLayer = layers.slice(first).findIndex(({ operation }) => operation === undefined);
      expect(layers[first + firstLayer]?.name).toBe(name);
    }
  });
});
