import { clamp, float64ConvBlocks } from "./float64-conv-block.ts";
import { at, elementwise, type Float64Tensor } from "./float64-tensor.ts";
import type { BatchNormKernel, ConvolutionKernel, FixedNorm, FollowingRelu, FusedKernel, Kernels } from "./kernels.ts";

/** The fused kernels as what they are defined to be: kernels of the reference, one after the other. */
export function float64Fused(
  plain: Pick<Kernels<Float64Tensor>, BatchNormKernel | ConvolutionKernel | "reluGradient">,
): Required<Pick<Kernels<Float64Tensor>, FusedKernel>> {
  /** Normalises a sum that is uncertain already. */
  function normalised(
    y: Float64Tensor,
    { gamma, beta, mean, variance, epsilon }: FixedNorm<Float64Tensor>,
    relu: FollowingRelu | undefined,
  ): Float64Tensor {
    const exact = plain.batchNormInference(y, gamma, beta, mean, variance, epsilon);
    const result = elementwise(
      y.shape,
      (index) => {
        const channel = index % gamma.data.length;
        const factor = Math.abs(at(gamma.data, channel)) / Math.sqrt(at(variance.data, channel) + epsilon);
        return [at(exact.data, index), at(exact.scale, index) + at(y.scale, index) * factor];
      },
      y.terms,
    );
    return relu === undefined ? result : clamp(result, relu.maxValue);
  }

  return {
    ...float64ConvBlocks(plain),
    conv2dNormalised: (x, kernel, norm, window, relu) => normalised(plain.conv2d(x, kernel, window), norm, relu),
    depthwiseConv2dNormalised: (x, kernel, norm, window, relu) =>
      normalised(plain.depthwiseConv2d(x, kernel, window), norm, relu),
    batchNormTrainRelu(x, gamma, beta, epsilon, maxValue) {
      const trained = plain.batchNormTrain(x, gamma, beta, epsilon);
      return { ...trained, y: clamp(trained.y, maxValue) };
    },
    batchNormTrainReluGradient(dy, x, gamma, beta, trained, epsilon, maxValue, needs) {
      const { y } = plain.batchNormTrain(x, gamma, beta, epsilon);
      return plain.batchNormTrainGradient(plain.reluGradient(dy, y, maxValue), x, gamma, trained, epsilon, needs);
    },
    batchNormInferenceRelu: (x, gamma, beta, mean, variance, epsilon, maxValue) =>
      clamp(plain.batchNormInference(x, gamma, beta, mean, variance, epsilon), maxValue),
    batchNormInferenceReluGradient: (dy, y, x, gamma, mean, variance, epsilon, maxValue, needs) =>
      plain.batchNormInferenceGradient(plain.reluGradient(dy, y, maxValue), x, gamma, mean, variance, epsilon, needs),
    movingStatistics: (layers, momentum) =>
      layers.map(({ moving, batch }) => [
        plain.movingAverage(moving[0], batch[0], momentum),
        plain.movingAverage(moving[1], batch[1], momentum),
      ]),
  };
}
