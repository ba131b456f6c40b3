import type { DeviceTensor, KernelName, Kernels } from "./kernels.ts";

const CONV_BLOCK = ["conv2dStatistics", "conv2dGradients"] as const;
const DEPTHWISE_BLOCK = ["depthwiseConv2dStatistics", "depthwiseConv2dGradients"] as const;
const BLOCKS = [...CONV_BLOCK, ...DEPTHWISE_BLOCK];

/** A plain kernel takes the place of the fused ones, too, that would do its work. */
const FUSED_WITH: Partial<Record<KernelName, readonly KernelName[]>> = {
  conv2d: ["conv2d", "conv2dNormalised", ...CONV_BLOCK],
  conv2dInputGradient: ["conv2dInputGradient", ...CONV_BLOCK],
  conv2dKernelGradient: ["conv2dKernelGradient", ...CONV_BLOCK],
  depthwiseConv2d: ["depthwiseConv2d", "depthwiseConv2dNormalised", ...DEPTHWISE_BLOCK],
  depthwiseConv2dInputGradient: ["depthwiseConv2dInputGradient", ...DEPTHWISE_BLOCK],
  depthwiseConv2dKernelGradient: ["depthwiseConv2dKernelGradient", ...DEPTHWISE_BLOCK],
  batchNormTrain: ["batchNormTrain", "batchNormTrainRelu", ...BLOCKS],
  batchNormTrainRelu: ["batchNormTrainRelu", ...BLOCKS],
  batchNormTrainGradient: ["batchNormTrainGradient", "batchNormTrainReluGradient", ...BLOCKS],
  batchNormInference: ["batchNormInference", "batchNormInferenceRelu", "conv2dNormalised", "depthwiseConv2dNormalised"],
  batchNormInferenceGradient: ["batchNormInferenceGradient", "batchNormInferenceReluGradient"],
  movingAverage: ["movingAverage", "movingStatistics"],
};

/**
 * Takes kernels out of a set of overrides, so that the plain ones under it do their work, and with each the fused ones
 * that would do its work, too.
 * @param plain names of kernels that are to be plain
 */
export function withoutKernels<T extends DeviceTensor>(
  overrides: Partial<Kernels<T>>,
  plain: readonly KernelName[],
): Partial<Kernels<T>> {
  const left: Partial<Kernels<T>> = { ...overrides };
  for (const name of plain) for (const without of FUSED_WITH[name] ?? [name]) delete left[without];
  return left;
}
