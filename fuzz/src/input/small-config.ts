const tensor = (name: string): unknown => ({
  class_name: "__keras_tensor__",
  config: { shape: [null], dtype: "float32", keras_history: [name, 0, 0] },
});

function entry(className: string, name: string, config: object, ...inputs: readonly string[]): unknown {
  const nodes =
    inputs.length === 0
      ? []
      : [{ args: inputs.length === 1 ? [tensor(inputs[0] ?? "")] : [inputs.map(tensor)], kwargs: {} }];
  return { module: "keras.layers", class_name: className, name, config: { name, ...config }, inbound_nodes: nodes };
}

const CONVOLUTION = {
  filters: 4,
  kernel_size: [3, 3],
  strides: [1, 1],
  padding: "same",
  use_bias: true,
  activation: "relu",
};

/** A functional model of 32 pixels with every kind of layer that matters here, as Keras 3 writes it. */
export const SMALL_CONFIG: unknown = {
  class_name: "Functional",
  config: {
    name: "small",
    layers: [
      entry("InputLayer", "input", { batch_shape: [null, 32, 32, 3] }),
      entry("Rescaling", "scale", { scale: 0.00784, offset: -1 }, "input"),
      entry("Normalization", "norm", { axis: [-1], mean: [0, 0, 0], variance: [1, 1, 1] }, "scale"),
      entry(
        "ZeroPadding2D",
        "pad",
        {
          padding: [
            [0, 1],
            [0, 1],
          ],
        },
        "norm",
      ),
      entry("Conv2D", "conv", { ...CONVOLUTION, strides: [2, 2], padding: "valid" }, "pad"),
      entry("BatchNormalization", "bn", { axis: -1, epsilon: 0.001, momentum: 0.99 }, "conv"),
      entry("Conv2D", "conv2", CONVOLUTION, "bn"),
      entry("Add", "add", {}, "bn", "conv2"),
      entry("DepthwiseConv2D", "depthwise", { ...CONVOLUTION, depth_multiplier: 1 }, "add"),
      entry("MaxPooling2D", "pool", { pool_size: [2, 2], strides: [2, 2], padding: "valid" }, "depthwise"),
      entry("GlobalAveragePooling2D", "squeeze", { keepdims: true }, "pool"),
      entry("Multiply", "scaled", {}, "pool", "squeeze"),
      entry("ReLU", "relu", { max_value: 6 }, "scaled"),
      entry("Dropout", "dropout", { rate: 0.2 }, "relu"),
      entry("GlobalAveragePooling2D", "features", { keepdims: false }, "dropout"),
    ],
    input_layers: ["input", 0, 0],
    output_layers: ["features", 0, 0],
  },
};
