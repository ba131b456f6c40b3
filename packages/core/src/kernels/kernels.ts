import type { CurvedActivation, Padding } from "../model/layer.ts";

/** A tensor that lives on a backend; only the backend's kernels look inside. */
export interface DeviceTensor {
  readonly shape: readonly number[];
}

/** Stride (both axes) and explicit zero padding of a convolution. */
export interface Window {
  readonly strides: number;
  readonly padding: Padding;
}

/** A ReLU behind another operation: its upper limit, `null` for none. */
export interface FollowingRelu {
  readonly maxValue: number | null;
}

/** A batch normalization by given statistics, each `[channels]`. */
export interface FixedNorm<T extends DeviceTensor> {
  readonly gamma: T;
  readonly beta: T;
  readonly mean: T;
  readonly variance: T;
  readonly epsilon: number;
}

/** A batch normalization by given statistics and the ReLU behind it. */
export interface DeferredNorm<T extends DeviceTensor> extends FixedNorm<T> {
  readonly relu: FollowingRelu | undefined;
}

/** A tensor that a kernel normalises while it reads it; without `norm` it is read as it is. */
export interface DeferredInput<T extends DeviceTensor> {
  readonly x: T;
  readonly norm: DeferredNorm<T> | undefined;
}

/** A {@link DeferredInput} in a backward pass: the tensor is absent where neither a kernel's gradient nor a norm asks for it. */
export interface GradientInput<T extends DeviceTensor> {
  readonly x: T | undefined;
  readonly norm: DeferredNorm<T> | undefined;
}

/**
 * A gradient that a kernel takes back through a normalization while it reads it: `dy` is the gradient of what the
 * normalization makes of `y`, and dGamma and dBeta are known. Without `behind`, `dy` is read as it is.
 */
export interface DeferredGradient<T extends DeviceTensor> {
  readonly dy: T;
  readonly behind: { readonly y: T; readonly norm: DeferredNorm<T>; readonly dGamma: T; readonly dBeta: T } | undefined;
}

/** A convolution's result with the mean and the biased variance of each of its channels. */
export interface ConvolutionStatistics<T extends DeviceTensor> {
  readonly y: T;
  readonly mean: T;
  readonly variance: T;
}

/** Gradients of a convolution and of the weights of the normalization before it; absent where they were not asked for. */
export interface ConvolutionGradients<T extends DeviceTensor> {
  /** Of the convolution's input: where the input is normalised while it is read, of the normalization's result. */
  readonly dx?: T;
  readonly dKernel?: T;
  /** Beside `dx`, where the input has a norm. */
  readonly dGamma?: T;
  readonly dBeta?: T;
}

/** What batch normalization in training mode leaves behind. */
export interface BatchNormTrained<T extends DeviceTensor> {
  /** Normalised output, the input's shape. */
  readonly y: T;
  /** Batch mean, `[channels]`. */
  readonly mean: T;
  /** Biased batch variance (divided by n), `[channels]`. */
  readonly variance: T;
  /** Whatever else the gradient kernel wants; freed by the caller after it. */
  readonly saved: readonly T[];
}

/** Moving statistics of a layer and those of a batch that they move towards. */
export interface MovingStatistics<T extends DeviceTensor> {
  readonly moving: readonly [mean: T, variance: T];
  readonly batch: readonly [mean: T, variance: T];
}

/** Which gradients of a layer the backward pass needs. */
export interface GradientNeeds {
  readonly input: boolean;
  readonly weights: boolean;
}

/** Gradients of batch normalization; a gradient that was not asked for is absent. */
export interface BatchNormGradients<T extends DeviceTensor> {
  readonly dx?: T;
  readonly dGamma?: T;
  readonly dBeta?: T;
}

/** One optimizer update with its numbers worked out; `stepSize` is a rate after schedule, multiplier and bias correction. */
export type OptimizerUpdate =
  | { readonly type: "sgd"; readonly stepSize: number; readonly momentum: number; readonly nesterov: boolean }
  | {
      readonly type: "rmsprop";
      readonly stepSize: number;
      readonly rho: number;
      readonly momentum: number;
      readonly epsilon: number;
      readonly centered: boolean;
    }
  | {
      readonly type: "adam";
      readonly stepSize: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
    };

/** Weights of one parameter group with their optimizer slots. */
export interface OptimizerStepResult<T extends DeviceTensor> {
  readonly weights: readonly T[];
  /** Flat float32 tensors `[total size]`, in weight order. */
  readonly slots: readonly T[];
}

/** Live tensors and bytes that a kernel set accounts for. */
export interface KernelMemory {
  readonly tensors: number;
  readonly bytes: number;
}

/**
 * The small set of operations that fine-tuning a CNN needs. An engine that implements it gets training, parity and
 * profiling from core. Images are `[batch, height, width, channels]` float32; kernels `[h, w, in, out]`, depthwise
 * kernels `[h, w, channels, 1]`. Every result is a new tensor that the caller frees with `dispose`; inputs stay
 * alive unless a kernel says that it consumes them.
 */
export interface Kernels<T extends DeviceTensor = DeviceTensor> {
  /** Copies float32 data to the device; the array may be written again at once. */
  upload(data: Float32Array, shape: readonly number[]): T;
  /** A tensor that lies in the array itself, which must stay as it is until the tensor is disposed of. */
  lend?(data: Float32Array, shape: readonly number[]): T;
  /** {@link upload} of pixels 0…255, scaled to -1…1 on the way as {@link scalePixels} does it, bit for bit; for preprocessing `tf` alone. */
  uploadPixels?(pixels: Uint8Array, shape: readonly number[]): T;
  /** Copies class indices to the device, int32 `[batch]`. */
  uploadLabels(labels: Int32Array): T;
  /** Reads a float32 tensor back. */
  download(tensor: T): Promise<Float32Array>;
  /** Copies numbers to the device as they are; for kernels that compute in float64, which {@link upload} rounds. */
  uploadExact?(data: Float64Array, shape: readonly number[]): T;
  /** Reads a tensor of such kernels back as it is. */
  downloadExact?(tensor: T): Promise<Float64Array>;
  dispose(tensor: T): void;
  memory(): KernelMemory;

  conv2d(x: T, kernel: T, window: Window): T;
  conv2dInputGradient(dy: T, kernel: T, inputShape: readonly number[], window: Window): T;
  conv2dKernelGradient(x: T, dy: T, kernelShape: readonly number[], window: Window): T;
  depthwiseConv2d(x: T, kernel: T, window: Window): T;
  depthwiseConv2dInputGradient(dy: T, kernel: T, inputShape: readonly number[], window: Window): T;
  depthwiseConv2dKernelGradient(x: T, dy: T, kernelShape: readonly number[], window: Window): T;
  /** Adds `[channels]` to the last axis. */
  biasAdd(x: T, bias: T): T;
  /** Sums over all axes but the last: `[channels]`. */
  biasGradient(dy: T): T;

  /** Normalises by the statistics of this batch. */
  batchNormTrain(x: T, gamma: T, beta: T, epsilon: number): BatchNormTrained<T>;
  batchNormTrainGradient(
    dy: T,
    x: T,
    gamma: T,
    trained: Omit<BatchNormTrained<T>, "y">,
    epsilon: number,
    needs: GradientNeeds,
  ): BatchNormGradients<T>;
  /** Normalises by given statistics. */
  batchNormInference(x: T, gamma: T, beta: T, mean: T, variance: T, epsilon: number): T;
  /** `x` may be absent where weight gradients are not needed. */
  batchNormInferenceGradient(
    dy: T,
    x: T | undefined,
    gamma: T,
    mean: T,
    variance: T,
    epsilon: number,
    needs: GradientNeeds,
  ): BatchNormGradients<T>;
  /** `moving · momentum + value · (1 - momentum)`. */
  movingAverage(moving: T, value: T, momentum: number): T;

  // Fused kernels: several steps of the executor in one, where a kernel set has them. Without one, the executor takes
  // the steps one after the other.

  /** {@link conv2d}, the {@link batchNormInference} behind it, and the {@link Kernels.relu} behind that where there is one. */
  conv2dNormalised?(x: T, kernel: T, norm: FixedNorm<T>, window: Window, relu: FollowingRelu | undefined): T;
  /** {@link depthwiseConv2d} in the same way. */
  depthwiseConv2dNormalised?(x: T, kernel: T, norm: FixedNorm<T>, window: Window, relu: FollowingRelu | undefined): T;
  /** {@link conv2d} and the statistics that {@link batchNormTrain} takes of its result. */
  conv2dStatistics?(input: DeferredInput<T>, kernel: T, window: Window): ConvolutionStatistics<T>;
  /** {@link depthwiseConv2d} in the same way. */
  depthwiseConv2dStatistics?(input: DeferredInput<T>, kernel: T, window: Window): ConvolutionStatistics<T>;
  /**
   * {@link conv2dInputGradient}, {@link conv2dKernelGradient}, and the weights' part of {@link batchNormTrainReluGradient}
   * of the normalization below. The input gradient is asked for of 1×1 kernels with stride 1 alone.
   */
  conv2dGradients?(
    gradient: DeferredGradient<T>,
    input: GradientInput<T>,
    kernel: T,
    inputShape: readonly number[],
    window: Window,
    needs: GradientNeeds,
  ): ConvolutionGradients<T>;
  /** The same of {@link depthwiseConv2d}, for every kernel. */
  depthwiseConv2dGradients?(
    gradient: DeferredGradient<T>,
    input: GradientInput<T>,
    kernel: T,
    inputShape: readonly number[],
    window: Window,
    needs: GradientNeeds,
  ): ConvolutionGradients<T>;
  /** {@link batchNormTrain} and the {@link Kernels.relu} behind it; `y` is the ReLU's output. */
  batchNormTrainRelu?(x: T, gamma: T, beta: T, epsilon: number, maxValue: number | null): BatchNormTrained<T>;
  /** {@link batchNormTrainGradient} of the gradient that the ReLU lets through; from x again where it lets it. */
  batchNormTrainReluGradient?(
    dy: T,
    x: T,
    gamma: T,
    beta: T,
    trained: Omit<BatchNormTrained<T>, "y">,
    epsilon: number,
    maxValue: number | null,
    needs: GradientNeeds,
  ): BatchNormGradients<T>;
  /** {@link batchNormInference} and the {@link Kernels.relu} behind it. */
  batchNormInferenceRelu?(x: T, gamma: T, beta: T, mean: T, variance: T, epsilon: number, maxValue: number | null): T;
  /** {@link batchNormInferenceGradient} of the gradient that the ReLU lets through; `y` is the ReLU's output. */
  batchNormInferenceReluGradient?(
    dy: T,
    y: T,
    x: T | undefined,
    gamma: T,
    mean: T,
    variance: T,
    epsilon: number,
    maxValue: number | null,
    needs: GradientNeeds,
  ): BatchNormGradients<T>;
  /** {@link movingAverage} of the mean and the variance of several layers at once; one result for each layer. */
  movingStatistics?(
    layers: readonly MovingStatistics<T>[],
    momentum: number,
  ): readonly (readonly [mean: T, variance: T])[];

  /** `min(max(x, 0), maxValue)`; `null` is no upper limit. */
  relu(x: T, maxValue: number | null): T;
  /** Passes `dy` where `0 < y < maxValue`. */
  reluGradient(dy: T, y: T, maxValue: number | null): T;
  zeroPad(x: T, padding: Padding): T;
  /** Cuts the padding off again. */
  zeroPadGradient(dy: T, padding: Padding): T;
  add(a: T, b: T): T;
  /** Elementwise product of equal shapes (dropout masks). */
  multiply(a: T, b: T): T;
  /** The same values in another shape of as many. */
  reshape(x: T, shape: readonly number[]): T;
  /** `[batch, h, w, c]` times a factor for each image and channel, `[batch, 1, 1, c]`. */
  scaleChannels(x: T, factors: T): T;
  /** Gradient by the factors: the sum of `dy · x` over each image's pixels, `[batch, 1, 1, c]`. */
  scaleChannelsGradient(dy: T, x: T): T;
  /** A smooth activation, as Keras 3 defines it: `hard_sigmoid` is `relu6(x + 3) / 6`, `silu` and `hard_silu` are x times it. */
  activate(x: T, activation: CurvedActivation): T;
  /** Its gradient, from its input. */
  activateGradient(dy: T, x: T, activation: CurvedActivation): T;
  /** Largest value of each window; the padding, that of `same` or none, is lower than every value. */
  maxPool(x: T, poolSize: readonly [number, number], window: Window): T;
  /** Passes `dy` to the first largest value of each window, by rows. */
  maxPoolGradient(dy: T, x: T, y: T, poolSize: readonly [number, number], window: Window): T;
  /** `[batch, h, w, c]` → `[batch, c]`. */
  globalAveragePool(x: T): T;
  globalAveragePoolGradient(dy: T, inputShape: readonly number[]): T;
  /** `[batch, in] · [in, out] + [out]`. */
  dense(x: T, kernel: T, bias: T): T;
  denseInputGradient(dy: T, kernel: T): T;
  denseKernelGradient(x: T, dy: T): T;

  /** Softmax over the last axis and the cross-entropy of each row: `[batch, classes]` and `[batch]`. */
  softmaxCrossEntropy(logits: T, labels: T): { readonly probabilities: T; readonly losses: T };
  /** Gradient of the mean loss: `(probabilities - onehot) / batch`. */
  softmaxCrossEntropyGradient(probabilities: T, labels: T): T;

  /** Zeroed slots for {@link Kernels.optimizerStep}, as many as the optimizer needs, each `[total size]`. */
  optimizerSlots(update: OptimizerUpdate, totalSize: number): T[];
  /** Updates a group of weights. Consumes weights, gradients and slots; returns their successors. */
  optimizerStep(
    update: OptimizerUpdate,
    weights: readonly T[],
    gradients: readonly T[],
    slots: readonly T[],
  ): OptimizerStepResult<T>;
}

/** The name of a kernel, for overriding it or switching an override off. */
export type KernelName = keyof Kernels;

/** The convolutions and their gradients. */
export type ConvolutionKernel = Exclude<
  Extract<KernelName, `conv2d${string}` | `depthwiseConv2d${string}`>,
  ConvolutionFusion
>;

type ConvolutionFusion = `${string}Normalised` | `${string}Statistics` | `${string}2dGradients`;

/** Kernels that a set may lack: each does the work of several others. */
export type FusedKernel =
  | Extract<KernelName, ConvolutionFusion | `batchNorm${string}Relu${string}`>
  | "movingStatistics";

/** Names of the fused kernels. */
export const FUSED_KERNELS: readonly FusedKernel[] = [
  "conv2dNormalised",
  "depthwiseConv2dNormalised",
  "conv2dStatistics",
  "depthwiseConv2dStatistics",
  "conv2dGradients",
  "depthwiseConv2dGradients",
  "batchNormTrainRelu",
  "batchNormTrainReluGradient",
  "batchNormInferenceRelu",
  "batchNormInferenceReluGradient",
  "movingStatistics",
];

/** Batch normalization with its gradients, and the update of its moving statistics. */
export type BatchNormKernel = Exclude<Extract<KernelName, `batchNorm${string}`>, FusedKernel> | "movingAverage";
