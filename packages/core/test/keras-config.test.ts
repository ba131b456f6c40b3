import { describe, expect, it } from "vitest";
import { modelFromKerasConfig } from "../src/model/keras-config.ts";
import type { Model } from "../src/model/layer.ts";
import { goldenConfig, keras2Config } from "./architecture-goldens.ts";
import { failureOf } from "./failure.ts";

type Json = Record<string, unknown>;

interface Entry {
  module: string;
  class_name: string;
  name: string;
  config: Json;
  inbound_nodes: unknown[];
}

const tensor = (name: string): Json => ({
  class_name: "__keras_tensor__",
  config: { shape: [null], dtype: "float32", keras_history: [name, 0, 0] },
});

function entry(className: string, name: string, config: Json, ...args: unknown[]): Entry {
  const nodes = args.length === 0 ? [] : [{ args, kwargs: {} }];
  return { module: "keras.layers", class_name: className, name, config: { name, ...config }, inbound_nodes: nodes };
}

const CONV = { filters: 4, kernel_size: [3, 3], strides: [1, 1], padding: "same", use_bias: true, activation: "relu" };
const INPUT = entry("InputLayer", "input", { batch_shape: [null, 32, 32, 3] });
const POOL = entry("GlobalAveragePooling2D", "pool", { keepdims: false }, tensor("conv"));

/** A functional model: input, whatever is given, pooling. */
function functional(middle: readonly Entry[], last: readonly Entry[] = [POOL]): Json {
  const layers = [INPUT, ...middle, ...last];
  const output = layers.at(-1)?.name;
  return {
    class_name: "Functional",
    config: { name: "small", layers, input_layers: ["input", 0, 0], output_layers: [output, 0, 0] },
  };
}

const read = (config: unknown, imageSize = 32): Model =>
  modelFromKerasConfig(config, { imageSize, preprocessing: "tf" });
const conv = (config: Json = {}, ...args: unknown[]): Entry =>
  entry("Conv2D", "conv", { ...CONV, ...config }, ...(args.length > 0 ? args : [tensor("input")]));

describe("a configuration of Keras 2", () => {
  it("gives the same table as the layers that it names", () => {
    const { layers, preprocessing } = modelFromKerasConfig(keras2Config(), { imageSize: 32 });
    expect(preprocessing).toBe("none");
    expect(layers.map(({ op: { type } }) => type)).toEqual([
      "InputLayer",
      "Rescaling",
      "Conv2D",
      "BatchNormalization",
      "ReLU",
      "DepthwiseConv2D",
      "Add",
      "MaxPooling2D",
      "ReLU",
      "GlobalAveragePooling2D",
    ]);
    const branch = layers.find(({ name }) => name === "branch");
    expect(branch?.op).toMatchObject({ activation: "silu", useBias: true });
    expect(layers.find(({ name }) => name === "join")?.inputs).toEqual(["re_lu", "branch"]);
    expect(layers.at(-1)?.outputShape).toEqual([8]);
  });

  it("is refused where Keras 3 means another function", async () => {
    const text = JSON.stringify(keras2Config()).replace('"swish"', '"hard_sigmoid"');
    const error = await failureOf(() => modelFromKerasConfig(JSON.parse(text), { imageSize: 32 }));
    expect(error).toMatchObject({ code: "model-unsupported", message: expect.stringContaining('layer "branch"') });
    expect(error.message).toContain("Keras 2's hard_sigmoid");
  });
});

describe("what is not supported", () => {
  const cases: readonly (readonly [what: string, config: unknown, message: string, hint: string])[] = [
    [
      "a nested model",
      functional([entry("Functional", "conv", { layers: [] }, tensor("input"))]),
      'config.json: layer "conv" (Functional) is not supported.',
      "Supported are InputLayer, ZeroPadding2D, Conv2D",
    ],
    [
      "a lambda",
      functional([entry("Lambda", "conv", {}, tensor("input"))]),
      'layer "conv" (Lambda) is not supported',
      "Supported are",
    ],
    ["groups", functional([conv({ groups: 2 })]), 'layer "conv" (Conv2D) has groups 2', "expected 1"],
    ["dilation", functional([conv({ dilation_rate: [2, 2] })]), "has dilation_rate [2,2]", "Invalid input"],
    ["uneven strides", functional([conv({ strides: [1, 2] })]), "has strides [1,2]", "supported are equal strides"],
    ["an activation", functional([conv({ activation: "gelu" })]), 'has activation "gelu"', "linear, relu, relu6, silu"],
    [
      "a regularizer",
      functional([conv({ kernel_regularizer: { class_name: "L2" } })]),
      "has a kernel_regularizer",
      "the loss is the cross-entropy alone",
    ],
    [
      "half precision",
      functional([conv({ dtype: { class_name: "DTypePolicy", config: { name: "mixed_float16" } } })]),
      "computes in mixed_float16",
      "32 bits",
    ],
    [
      "channels first",
      functional([conv({ data_format: "channels_first" })]),
      'has data_format "channels_first"',
      "channels_last",
    ],
    [
      "a batch normalization without gamma",
      functional([
        conv(),
        entry("BatchNormalization", "bn", { epsilon: 1e-3, momentum: 0.9, scale: false }, tensor("conv")),
      ]),
      'layer "bn" (BatchNormalization) has scale false',
      "expected true",
    ],
    [
      "a layer that is called twice",
      functional([{ ...conv(), inbound_nodes: [{ args: [tensor("input")] }, { args: [tensor("input")] }] }]),
      'layer "conv" (Conv2D) is called 2 times',
      "give each call a layer of its own",
    ],
    [
      "shapes that do not fit",
      functional([conv({ padding: "valid" }), entry("Add", "sum", {}, [tensor("input"), tensor("conv")])]),
      'layer "sum" (Add) joins 32×32×3 and 30×30×4',
      "Supported are equal shapes",
    ],
    [
      "a classifier",
      functional([conv()], [POOL, entry("Dense", "dense", { units: 3 }, tensor("pool"))]),
      'layer "dense" (Dense) is not supported',
      "Supported are",
    ],
    ["a model without pooling", functional([conv()], []), 'the output, "conv" (32×32×4)', "End the model with"],
    [
      "an operation on tensors",
      functional([{ ...conv(), module: "keras.src.ops.numpy", class_name: "Power" }]),
      'layer "conv" (Power) is no layer',
      "Supported are",
    ],
    [
      "more filters than memory",
      functional([conv({ filters: 2 ** 40 })]),
      `layer "conv" (Conv2D) has a shape of 32×32×${2 ** 40}`,
      "Supported are sides from 1 to",
    ],
    [
      "a kernel larger than the image",
      functional([conv({ kernel_size: [40, 40], padding: "valid" })]),
      'layer "conv" (Conv2D) has a shape of -7×-7×4',
      "Supported are sides from 1 to",
    ],
    [
      "zeros around everything",
      functional([
        entry(
          "ZeroPadding2D",
          "pad",
          {
            padding: [
              [0, 2 ** 31],
              [0, 0],
            ],
          },
          tensor("input"),
        ),
        conv({}, tensor("pad")),
      ]),
      'layer "pad" (ZeroPadding2D) has a shape of',
      "Supported are sides from 1 to",
    ],
    [
      "a target shape of two unknowns",
      functional([conv(), entry("Reshape", "pool", { target_shape: [-1, -1, 4096] }, tensor("conv"))], []),
      'layer "pool" (Reshape) makes -1×-1×4096 of 32×32×4',
      "The sizes differ",
    ],
    [
      "scales for other channels",
      functional([conv(), entry("Rescaling", "scale", { scale: [1, 2] }, tensor("conv"))]),
      'layer "scale" (Rescaling) has 2 numbers as scale, for 4 channels',
      "one for each channel",
    ],
    [
      "statistics for other channels",
      functional([conv(), entry("Normalization", "n", { mean: [1], variance: [1, 1, 1, 1] }, tensor("conv"))]),
      'layer "n" (Normalization) has 1 numbers as mean, for 4 channels',
      "one for each channel",
    ],
    ["a Sequential model", { ...functional([conv()]), class_name: "Sequential" }, "holds a Sequential", "keras.Model("],
    ["an input of another size", functional([conv()]), "model.imageSize is 48", "Set model.imageSize to 32."],
  ];

  it.each(cases)("%s", async (what, config, message, hint) => {
    const error = await failureOf(() => read(config, what.startsWith("an input of") ? 48 : 32));
    expect(error.code).toBe("model-unsupported");
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  });

  it.each([[null], [{}], [[]], ["Functional"], [{ class_name: "Functional", config: { layers: [{}] } }]])(
    "%j, which is no configuration",
    async (config) => {
      const error = await failureOf(() => read(config));
      expect(error).toMatchObject({ code: "model-config-invalid", hint: expect.stringContaining(".to_json()") });
    },
  );
});

describe("the pixels of a configured network", () => {
  it("stay 0…255 where it scales them itself, and must be told of elsewhere", async () => {
    const scaled = entry("Rescaling", "scale", { scale: 1 / 255, offset: 0 }, tensor("input"));
    const { preprocessing } = modelFromKerasConfig(functional([scaled, conv({}, tensor("scale"))]), { imageSize: 32 });
    expect(preprocessing).toBe("none");
    const error = await failureOf(() => modelFromKerasConfig(functional([conv()]), { imageSize: 32 }));
    expect(error.message).toBe("config.json does not say how its images are scaled.");
    expect(error.hint).toContain("model.preprocessing");
  });

  it("may have any size where the input is open", () => {
    const text = JSON.stringify(goldenConfig("MobileNet", 64)).replace("[null,64,64,3]", "[null,null,null,3]");
    const { layers } = read(JSON.parse(text), 128);
    expect(layers.find(({ name }) => name === "conv1")?.outputShape).toEqual([64, 64, 32]);
  });
});
