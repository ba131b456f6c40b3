import { sumChannels } from "./float64-batch-norm.ts";
import { at, elementwise, type Float64Tensor } from "./float64-tensor.ts";
import type {
  BatchNormKernel,
  ConvolutionGradients,
  ConvolutionKernel,
  DeferredGradient,
  DeferredNorm,
  Kernels,
  Window,
} from "./kernels.ts";

type Plain = Pick<Kernels<Float64Tensor>, ConvolutionKernel | BatchNormKernel | "reluGradient">;

/** What one element of a tensor is uncertain in proportion to: never less than its value. */
function magnitude(x: Float64Tensor): Float64Tensor {
  return elementwise(x.shape, (index) => [Math.max(Math.abs(at(x.data, index)), at(x.scale, index)), 0], x.terms);
}

/** A product of two tensors that are uncertain themselves, with the condition that this gives its sums. */
function uncertain(
  multiply: (a: Float64Tensor, b: Float64Tensor) => Float64Tensor,
  a: Float64Tensor,
  b: Float64Tensor,
): Float64Tensor {
  const exact = multiply(a, b);
  const condition = multiply(magnitude(a), magnitude(b));
  const terms = exact.terms + a.terms + b.terms;
  return elementwise(exact.shape, (index) => [at(exact.data, index), at(condition.data, index)], terms);
}

/** Clamps to 0…maxValue; an element that is cut off is still as uncertain as it was. */
export function clamp(x: Float64Tensor, maxValue: number | null): Float64Tensor {
  const limit = maxValue ?? Number.POSITIVE_INFINITY;
  return elementwise(
    x.shape,
    (index) => [Math.min(Math.max(at(x.data, index), 0), limit), at(x.scale, index)],
    x.terms,
  );
}

/** Convolutions with the normalizations before and behind them, as what they are defined to be: one kernel after another. */
export function float64ConvBlocks(
  plain: Plain,
): Required<
  Pick<
    Kernels<Float64Tensor>,
    "conv2dStatistics" | "depthwiseConv2dStatistics" | "conv2dGradients" | "depthwiseConv2dGradients"
  >
> {
  function normalised(x: Float64Tensor, norm: DeferredNorm<Float64Tensor> | undefined): Float64Tensor {
    if (norm === undefined) return x;
    const { gamma, beta, mean, variance, epsilon, relu } = norm;
    const y = plain.batchNormInference(x, gamma, beta, mean, variance, epsilon);
    return relu === undefined ? y : clamp(y, relu.maxValue);
  }

  /** The gradient of what is under a normalization, by the weights' gradients that are given. */
  function backThrough({ dy, behind }: DeferredGradient<Float64Tensor>): Float64Tensor {
    if (behind === undefined) return dy;
    const { y, norm, dGamma, dBeta } = behind;
    const { gamma, mean, variance, epsilon, relu } = norm;
    const channels = gamma.data.length;
    const count = y.data.length / channels;
    const passed = relu === undefined ? dy : plain.reluGradient(dy, normalised(y, norm), relu.maxValue);
    return elementwise(dy.shape, (index) => {
      const c = index % channels;
      const deviation = Math.sqrt(at(variance.data, c) + epsilon);
      const slope = at(gamma.data, c) / deviation;
      const perElement = at(dGamma.data, c) / (count * deviation);
      const centred = at(y.data, index) - at(mean.data, c);
      const value = at(passed.data, index) - at(dBeta.data, c) / count - centred * perElement;
      const parts = (Math.abs(at(y.data, index)) + Math.abs(at(mean.data, c))) * Math.abs(perElement);
      const condition = Math.abs(at(passed.data, index)) + Math.abs(at(dBeta.data, c)) / count + parts;
      return [slope * value, Math.abs(slope) * condition];
    });
  }

  /** Gradients of the weights of a normalization by given statistics, from a gradient that is uncertain itself. */
  function weightGradients(
    dx: Float64Tensor,
    x: Float64Tensor,
    norm: DeferredNorm<Float64Tensor>,
  ): Pick<ConvolutionGradients<Float64Tensor>, "dGamma" | "dBeta"> {
    const { mean, variance, epsilon, relu } = norm;
    const passed = relu === undefined ? dx : plain.reluGradient(dx, normalised(x, norm), relu.maxValue);
    const through = (index: number): number => (at(passed.data, index) === 0 ? 0 : at(dx.scale, index));
    const sums = sumChannels(dx.shape, (index) => [at(passed.data, index), through(index)]);
    const products = sumChannels(dx.shape, (index, c) => {
      const deviation = Math.sqrt(at(variance.data, c) + epsilon);
      const centred = (at(x.data, index) - at(mean.data, c)) / deviation;
      const parts = (Math.abs(at(x.data, index)) + Math.abs(at(mean.data, c))) / deviation;
      return [at(passed.data, index) * centred, through(index) * parts];
    });
    const terms = sums.terms + dx.terms;
    return { dGamma: { ...products, terms }, dBeta: { ...sums, terms } };
  }

  const withStatistics =
    (convolve: Kernels<Float64Tensor>["conv2d"]): NonNullable<Kernels<Float64Tensor>["conv2dStatistics"]> =>
    ({ x, norm }, kernel, window) => {
      const y = uncertain((a, b) => convolve(a, b, window), normalised(x, norm), kernel);
      const ones = elementwise([y.shape.at(-1) ?? 1], () => [1, 0]);
      const { mean, variance } = plain.batchNormTrain(y, ones, ones, 0);
      const sums = sumChannels(y.shape, (index, c) => [
        at(y.scale, index),
        2 * Math.abs(at(y.data, index) - at(mean.data, c)) * at(y.scale, index),
      ]);
      const count = sums.terms;
      const terms = count + y.terms;
      return {
        y,
        mean: elementwise(mean.shape, (c) => [at(mean.data, c), at(mean.scale, c) + at(sums.data, c) / count], terms),
        variance: elementwise(
          variance.shape,
          (c) => [at(variance.data, c), at(variance.scale, c) + at(sums.scale, c) / count],
          terms,
        ),
      };
    };

  const gradients =
    (
      inputGradient: Kernels<Float64Tensor>["conv2dInputGradient"],
      kernelGradient: Kernels<Float64Tensor>["conv2dKernelGradient"],
    ): NonNullable<Kernels<Float64Tensor>["conv2dGradients"]> =>
    (gradient, { x, norm }, kernel, inputShape, window: Window, needs) => {
      const dy = backThrough(gradient);
      const wanted = (): Float64Tensor => {
        if (x === undefined) throw new Error("The input is needed for the gradient of the kernel and of a norm.");
        return x;
      };
      const dKernel = (): Float64Tensor =>
        uncertain((a, b) => kernelGradient(a, b, kernel.shape, window), normalised(wanted(), norm), dy);
      const dx = (): Float64Tensor => uncertain((a, b) => inputGradient(a, b, inputShape, window), dy, kernel);
      const result = { ...(needs.input ? { dx: dx() } : {}), ...(needs.weights ? { dKernel: dKernel() } : {}) };
      if (result.dx === undefined || norm === undefined) return result;
      return { ...result, ...weightGradients(result.dx, wanted(), norm) };
    };

  return {
    conv2dStatistics: withStatistics(plain.conv2d),
    depthwiseConv2dStatistics: withStatistics(plain.depthwiseConv2d),
    conv2dGradients: gradients(plain.conv2dInputGradient, plain.conv2dKernelGradient),
    depthwiseConv2dGradients: gradients(plain.depthwiseConv2dInputGradient, plain.depthwiseConv2dKernelGradient),
  };
}
