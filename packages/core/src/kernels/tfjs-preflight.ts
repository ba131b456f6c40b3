import type { Tfjs } from "./tfjs-kernels.ts";

/**
 * The kernels that {@link tfjsKernels} asks a tfjs backend for. Convolution gradients are not among them: where a
 * backend has none, they are composed of these.
 */
export const REQUIRED_TFJS_KERNELS: readonly string[] = [
  "Add",
  "BatchMatMul",
  "Cast",
  "ClipByValue",
  "Concat",
  "Conv2D",
  "Conv2DBackpropInput",
  "DepthwiseConv2dNative",
  "Equal",
  "Exp",
  "ExpandDims",
  "FusedBatchNorm",
  "Greater",
  "Less",
  "Log",
  "LogicalAnd",
  "Max",
  "MaxPool",
  "Multiply",
  "Neg",
  "Pack",
  "PadV2",
  "Range",
  "RealDiv",
  "Relu",
  "Relu6",
  "Reshape",
  "Reverse",
  "Rsqrt",
  "Sigmoid",
  "Slice",
  "SplitV",
  "Sqrt",
  "Square",
  "SquaredDifference",
  "StridedSlice",
  "Sub",
  "Sum",
  "Tile",
  "ZerosLike",
];

/** Names of the required kernels that the active backend lacks: it cannot train. */
export function missingTfjsKernels(tf: Tfjs): string[] {
  const backend = tf.getBackend();
  return REQUIRED_TFJS_KERNELS.filter((name) => tf.getKernel(name, backend) === undefined);
}
