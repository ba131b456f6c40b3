import * as tf from "@tensorflow/tfjs-core";
// tfjs-core alone knows no gradients; the umbrella package registers them so.
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import type { LayerTreatment } from "../src/freeze/policy.ts";
import type { Activation, Layer, Padding } from "../src/model/layer.ts";
import type { HostTensor } from "../src/model/safetensors.ts";
import type { NamedNumbers, StepBatch } from "./one-step.ts";

/** Masks of the dropout layers, by layer name and shape. */
export type Masks = (name: string, rate: number, shape: readonly number[]) => Float32Array;

const padded = (x: tf.Tensor4D, [rows, columns]: Padding): tf.Tensor4D =>
  tf.pad(x, [
    [0, 0],
    [rows[0], rows[1]],
    [columns[0], columns[1]],
    [0, 0],
  ]);

function activated(x: tf.Tensor, activation: Activation): tf.Tensor {
  const hardSigmoid = (): tf.Tensor => tf.div(tf.relu6(tf.add(x, 3)), 6);
  switch (activation) {
    case "linear":
      return x;
    case "relu":
      return tf.relu(x);
    case "relu6":
      return tf.relu6(x);
    case "sigmoid":
      return tf.sigmoid(x);
    case "silu":
      return tf.mul(x, tf.sigmoid(x));
    case "hard_sigmoid":
      return hardSigmoid();
    case "hard_silu":
      return tf.mul(x, hardSigmoid());
  }
}

/** A layer in tfjs's public operations, whose gradients tfjs knows; shares no code with the kernel set. */
function apply(
  layer: Layer,
  inputs: readonly tf.Tensor[],
  weight: (name: string) => tf.Tensor,
  mode: string | null,
  masks: Masks,
): tf.Tensor {
  const [x, second] = inputs as [tf.Tensor4D, tf.Tensor4D | undefined];
  const { op } = layer;
  switch (op.type) {
    case "Conv2D":
    case "DepthwiseConv2D": {
      const input = padded(x, op.padding);
      const kernel = weight("kernel") as tf.Tensor4D;
      const y =
        op.type === "Conv2D"
          ? tf.conv2d(input, kernel, op.strides, "valid")
          : tf.depthwiseConv2d(input, kernel, op.strides, "valid");
      return activated(op.useBias ? tf.add(y, weight("bias")) : y, op.activation ?? "linear");
    }
    case "Rescaling":
      return tf.add(tf.mul(x, [...op.scale]), [...op.offset]);
    case "Normalization": {
      const { mean, variance } = op.given ?? { mean: weight("mean"), variance: weight("variance") };
      const of = (value: tf.Tensor | readonly number[]): tf.Tensor =>
        value instanceof tf.Tensor ? value : tf.tensor1d([...value]);
      return tf.div(tf.sub(x, of(mean)), tf.sqrt(of(variance)));
    }
    case "Activation":
      return activated(x, op.activation);
    case "Multiply":
      if (second === undefined) throw new Error("Multiply needs two inputs.");
      return tf.mul(x, second);
    case "MaxPooling2D": {
      const isValid = op.padding.flat().every((zeros) => zeros === 0);
      return tf.maxPool(x, [...op.poolSize], op.strides, isValid ? "valid" : "same");
    }
    case "Reshape":
      return tf.reshape(x, [x.shape[0], ...layer.outputShape]);
    case "BatchNormalization": {
      const [gamma, beta] = [weight("gamma") as tf.Tensor1D, weight("beta") as tf.Tensor1D];
      if (mode === "inference") {
        const [mean, variance] = [weight("moving_mean") as tf.Tensor1D, weight("moving_variance") as tf.Tensor1D];
        return tf.batchNorm(x, mean, variance, beta, gamma, op.epsilon);
      }
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      const centered = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, op.epsilon)));
      return tf.add(tf.mul(centered, gamma), beta);
    }
    case "ReLU":
      return op.maxValue === null ? tf.relu(x) : tf.relu6(x);
    case "ZeroPadding2D":
      return padded(x, op.padding);
    case "Add":
      if (second === undefined) throw new Error("Add needs two inputs.");
      return tf.add(x, second);
    case "GlobalAveragePooling2D":
      return tf.mean(x, [1, 2], op.keepDims === true);
    case "Dropout": {
      const shape = op.perImage === true ? [x.shape[0], 1, 1, 1] : x.shape;
      const drawn = op.perImage === true ? [x.shape[0]] : x.shape;
      return tf.mul(x, tf.tensor(masks(layer.name, op.rate, drawn), shape));
    }
    case "Dense":
      return tf.add(tf.matMul(x as tf.Tensor, weight("kernel")), weight("bias"));
    case "InputLayer":
      throw new Error("The input has no operation.");
  }
}

/** Mean cross-entropy and the gradients of all trained weights, by tfjs's tape. */
export function autodiff(
  layers: readonly Layer[],
  treatments: readonly LayerTreatment[],
  weights: ReadonlyMap<string, HostTensor>,
  batch: StepBatch,
  masks: Masks,
): { loss: number; gradients: NamedNumbers } {
  const variables = new Map(
    [...weights].map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, [...shape], "float32"))] as const),
  );
  const trained = layers.flatMap((layer, index) =>
    treatments[index]?.trainable ? layer.weights.filter((w) => w.trainable).map((w) => `${layer.name}/${w.name}`) : [],
  );
  const variable = (name: string): tf.Variable => {
    const found = variables.get(name);
    if (found === undefined) throw new Error(`There is no weight ${name}.`);
    return found;
  };
  const loss = (): tf.Scalar => {
    const outputs = new Map<string, tf.Tensor>();
    for (const [index, layer] of layers.entries()) {
      if (layer.op.type === "InputLayer") {
        outputs.set(layer.name, tf.tensor(batch.images, [batch.labels.length, ...layer.outputShape]));
        continue;
      }
      const inputs = layer.inputs.flatMap((name) => outputs.get(name) ?? []);
      const mode = treatments[index]?.batchNormMode ?? null;
      outputs.set(
        layer.name,
        apply(layer, inputs, (name) => variable(`${layer.name}/${name}`), mode, masks),
      );
    }
    const logits = outputs.get(layers.at(-1)?.name ?? "") as tf.Tensor2D;
    const oneHot = tf.oneHot(tf.tensor1d(batch.labels, "int32"), logits.shape[1]);
    return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), oneHot), -1)));
  };
  const { value, grads } = tf.variableGrads(loss, trained.map(variable));
  const gradients = trained.map((name) => [name, Array.from(grads[variable(name).name]?.dataSync() ?? [])] as const);
  const result = { loss: value.dataSync()[0] ?? Number.NaN, gradients: Object.fromEntries(gradients) };
  tf.dispose([value, grads, [...variables.values()]]);
  return result;
}
