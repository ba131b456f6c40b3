import type * as layersModule from "@tensorflow/tfjs-layers";
import type { SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { Layer, Network, Padding } from "@thaw/core";

/** tfjs-layers, as the benchmark imports it. */
export type StockLayers = typeof layersModule;

function kernelPadding(padding: Padding): "same" | "valid" {
  return padding.flat().some((zeros) => zeros > 0) ? "same" : "valid";
}

function apply({ layers }: StockLayers, layer: Layer, inputs: SymbolicTensor[], trainable: boolean): SymbolicTensor {
  const [input] = inputs;
  if (input === undefined) throw new Error(`Layer ${layer.name} has no input.`);
  const { name, op } = layer;
  const kernel = layer.weights[0]?.shape ?? [];
  const common = { name, trainable };
  switch (op.type) {
    case "Conv2D":
    case "DepthwiseConv2D": {
      const options = {
        ...common,
        kernelSize: kernel[0] ?? 1,
        strides: op.strides,
        padding: kernelPadding(op.padding),
        useBias: op.useBias,
      };
      const made =
        op.type === "Conv2D" ? layers.conv2d({ ...options, filters: kernel[3] ?? 1 }) : layers.depthwiseConv2d(options);
      return made.apply(input) as SymbolicTensor;
    }
    case "BatchNormalization":
      return layers
        .batchNormalization({ ...common, epsilon: op.epsilon, momentum: op.momentum })
        .apply(input) as SymbolicTensor;
    case "ReLU":
      return layers
        .reLU({ name, ...(op.maxValue === null ? {} : { maxValue: op.maxValue }) })
        .apply(input) as SymbolicTensor;
    case "ZeroPadding2D": {
      const [[top, bottom], [left, right]] = op.padding;
      return layers
        .zeroPadding2d({
          name,
          padding: [
            [top, bottom],
            [left, right],
          ],
        })
        .apply(input) as SymbolicTensor;
    }
    case "Add":
      return layers.add({ name }).apply(inputs) as SymbolicTensor;
    case "GlobalAveragePooling2D":
      return layers.globalAveragePooling2d({ name }).apply(input) as SymbolicTensor;
    case "Dense":
      return layers.dense({ ...common, units: kernel[1] ?? 1, activation: "softmax" }).apply(input) as SymbolicTensor;
    default:
      throw new Error(`The stock model has no ${op.type}.`);
  }
}

/** Builds a network of ours out of stock tfjs-layers, `layers[:depth].trainable = false`. */
export function stockModel(stock: StockLayers, network: Network, depth: number): layersModule.LayersModel {
  const outputs = new Map<string, SymbolicTensor>();
  const [inputLayer] = network.layers;
  if (inputLayer === undefined) throw new Error("The network is empty.");
  const input = stock.input({ shape: [...inputLayer.outputShape] });
  outputs.set(inputLayer.name, input);
  for (const [index, layer] of network.layers.entries()) {
    if (index === 0) continue;
    const inputs = layer.inputs.flatMap((name) => outputs.get(name) ?? []);
    outputs.set(layer.name, apply(stock, layer, inputs, index >= depth));
  }
  const output = outputs.get(network.layers.at(-1)?.name ?? "");
  if (output === undefined) throw new Error("The network has no output.");
  return stock.model({ inputs: input, outputs: output });
}
