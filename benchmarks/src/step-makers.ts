import type { Tensor } from "@tensorflow/tfjs-core";
import {
  buildNetwork,
  initialWeights,
  type Kernels,
  type Network,
  noMetrics,
  Optimizer,
  parseSpec,
  planPass,
  randomStream,
  resolveFreeze,
  type Spec,
  type Tfjs,
  trainStep,
  Variables,
} from "@thaw/core";
import { type StockLayers, stockModel } from "./stock-model.ts";

/** What is trained, on random images. */
export interface StepShape {
  readonly alpha: number;
  readonly imageSize: number;
  readonly batch: number;
  /** Steps of one sample. */
  readonly steps: number;
}

/** Trains so many steps and comes back when they are done. */
export type TrainSteps = () => Promise<void>;

const CLASSES = 6;

/** Random images and labels for all steps of a sample; never zeros, which some kernels are faster on. */
function randomData({ imageSize, batch, steps }: StepShape): { images: Float32Array; labels: Int32Array } {
  const random = randomStream(1, "benchmark");
  const images = Float32Array.from({ length: batch * steps * imageSize ** 2 * 3 }, () => random.uniform() * 2 - 1);
  const labels = Int32Array.from({ length: batch * steps }, () => random.below(CLASSES));
  return { images, labels };
}

function networkOf({ alpha, imageSize }: StepShape, depth: number): { network: Network; spec: Spec } {
  const model = { alpha, imageSize, weights: "random" } as const;
  const spec = parseSpec({ version: 1, name: "b", model, data: { kind: "builtin", name: "shoes" }, freeze: depth });
  return { network: buildNetwork(spec.model, CLASSES), spec };
}

/** Steps of Thaw's executor. */
export function thawSteps(kernels: Kernels<Tensor>, shape: StepShape, depth: number): TrainSteps {
  const { network, spec } = networkOf(shape, depth);
  const { images, labels } = randomData(shape);
  const treatments = resolveFreeze(depth, network.base.layers, network.head, spec);
  const values = new Map(network.layers.flatMap((layer) => [...initialWeights(layer, 0)]));
  const variables = new Variables(kernels, network.layers, values);
  const context = { kernels, steps: planPass(network.layers, treatments), variables };
  const names = context.steps.flatMap(({ layer, trains }) =>
    trains ? layer.weights.filter((weight) => weight.trainable).map((weight) => `${layer.name}/${weight.name}`) : [],
  );
  const optimizer = new Optimizer(kernels, spec.optimizer, [{ lrMultiplier: 1, names }], variables);
  const { batch, imageSize } = shape;
  const imageValues = imageSize ** 2 * 3;
  return async () => {
    for (let step = 0; step < shape.steps; step += 1) {
      const data = {
        images: images.slice(step * batch * imageValues, (step + 1) * batch * imageValues),
        imageShape: [imageSize, imageSize, 3] as const,
        labels: labels.slice(step * batch, (step + 1) * batch),
      };
      const noMask = (): Float32Array => new Float32Array();
      await trainStep(
        context,
        optimizer,
        data,
        noMask,
        noMetrics(),
        { epoch: 1, step },
        { afterForward: () => undefined },
      );
    }
  };
}

/** Steps of stock tfjs-layers `model.fit` on the active backend. */
export function stockSteps(tf: Tfjs, stock: StockLayers, shape: StepShape, depth: number): TrainSteps {
  const { images, labels } = randomData(shape);
  const model = stockModel(stock, networkOf(shape, depth).network, depth);
  model.compile({ optimizer: tf.train.adam(1e-3), loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
  const x = tf.tensor4d(images, [labels.length, shape.imageSize, shape.imageSize, 3]);
  const y = tf.tensor1d(Float32Array.from(labels), "float32");
  return async () => {
    await model.fit(x, y, { batchSize: shape.batch, epochs: 1, shuffle: false, verbose: 0 });
  };
}
