import type { KernelName } from "../kernels/kernels.ts";

/** Largest relative error of one rounded `+ - *`, by arithmetic. */
export const UNIT_ROUNDOFF = {
  /** IEEE 754 float32, round to nearest. */
  float32: 2 ** -24,
  /** WGSL leaves the rounding direction open (WGSL, "Floating Point Evaluation"). */
  wgsl: 2 ** -23,
} as const;

/**
 * Smallest normal float32: a device may flush anything below to zero (WGSL, "Floating Point Evaluation"); TensorFlow
 * and SwiftShader do.
 */
export const SMALLEST_NORMAL = 2 ** -126;

/** What one kernel may be off by beside its sum, with the reason. */
export interface OpTolerance {
  /** Roundings around the sum, in units of the unit roundoff times the condition sum. */
  readonly roundings: number;
  readonly reason: string;
}

/** Kernels that compute; the others move data. */
export type ComputingKernel = Exclude<
  KernelName,
  "upload" | "uploadLabels" | "download" | "dispose" | "memory" | "optimizerSlots"
>;

const PRODUCT_SUM: OpTolerance = { roundings: 0, reason: "a sum of products and nothing else" };
const EXACT: OpTolerance = { roundings: 0, reason: "moves or selects values, rounds nothing" };
const BATCH_NORM: OpTolerance = {
  roundings: 12,
  reason:
    "divide by n (2.5 ULP), subtract, square, add epsilon, inverse square root (2 ULP; 1/sqrt is 5), two products, " +
    "one sum; the condition sum covers what an inexact mean and variance do to the result",
};
const BATCH_NORM_GRADIENT: OpTolerance = {
  roundings: 24,
  reason: `two sums of normalised values: twice this: ${BATCH_NORM.reason}`,
};
const MOVING_AVERAGE: OpTolerance = { roundings: 4, reason: "two rounded weights, two products, one sum" };

/**
 * Rung L1: bounds of single operations against float64, see {@link opBound}.
 *
 * Source: standard error analysis (Higham, Accuracy and Stability of Numerical Algorithms, chapter 3: γ_K for a sum,
 * √K for its probabilistic form), and the accuracy tables in the WGSL specification's "Floating Point Evaluation" for
 * the elementary functions: `/` 2.5 ULP, `inverseSqrt` 2 ULP, `sqrt` as 1/inverseSqrt, `exp` 3 + 2|x| ULP, `log` 3 ULP
 * or 2^-21 absolute on [0.5, 2]. One ULP is at most two roundings of float32.
 */
export const OP_TOLERANCES: Readonly<Record<ComputingKernel, OpTolerance>> = {
  conv2d: PRODUCT_SUM,
  conv2dInputGradient: PRODUCT_SUM,
  conv2dKernelGradient: PRODUCT_SUM,
  depthwiseConv2d: PRODUCT_SUM,
  depthwiseConv2dInputGradient: PRODUCT_SUM,
  depthwiseConv2dKernelGradient: PRODUCT_SUM,
  dense: PRODUCT_SUM,
  denseInputGradient: PRODUCT_SUM,
  denseKernelGradient: PRODUCT_SUM,
  biasAdd: PRODUCT_SUM,
  biasGradient: PRODUCT_SUM,
  add: PRODUCT_SUM,
  multiply: PRODUCT_SUM,
  globalAveragePool: {
    roundings: 5,
    reason: "one division (2.5 ULP) after the sum, or a rounded reciprocal and a product",
  },
  globalAveragePoolGradient: { roundings: 5, reason: "one division (2.5 ULP), or a rounded reciprocal and a product" },
  batchNormTrain: BATCH_NORM,
  batchNormTrainGradient: BATCH_NORM_GRADIENT,
  batchNormInference: BATCH_NORM,
  batchNormInferenceGradient: BATCH_NORM,
  batchNormTrainRelu: BATCH_NORM,
  batchNormTrainReluGradient: BATCH_NORM_GRADIENT,
  batchNormInferenceRelu: BATCH_NORM,
  batchNormInferenceReluGradient: BATCH_NORM,
  movingStatistics: MOVING_AVERAGE,
  movingAverage: MOVING_AVERAGE,
  relu: EXACT,
  reluGradient: EXACT,
  zeroPad: EXACT,
  zeroPadGradient: EXACT,
  softmaxCrossEntropy: { roundings: 8, reason: "exp is off by (3 + 2|x|) ULP, log by 2^-21 absolute, one division" },
  softmaxCrossEntropyGradient: { roundings: 6, reason: "one difference, one division (2.5 ULP)" },
  optimizerStep: {
    roundings: 16,
    reason: "rounded constants, up to eight products and sums, a square root and a division",
  },
};

/**
 * Bound on the rounding error of a sum of K terms over its condition sum, in unit roundoffs: 4·√K, and never above
 * the certain K.
 */
export function sumBound(terms: number): number {
  return Math.min(4 * Math.sqrt(terms), terms);
}

/**
 * Largest error that a kernel may make in one element.
 * @param scale the element's condition sum, Σ|aᵢbᵢ|
 * @param terms length of its sum
 * @param unitRoundoff one of {@link UNIT_ROUNDOFF}
 */
export function opBound(kernel: ComputingKernel, scale: number, terms: number, unitRoundoff: number): number {
  return (sumBound(terms) + OP_TOLERANCES[kernel].roundings) * unitRoundoff * scale + terms * SMALLEST_NORMAL;
}

/** Rung L3: gradients of one step against float64. */
export const GRADIENT_TOLERANCE = {
  /** Relative L2 error of a tensor that fails a run (JAX `check_grads`). */
  gate: 2e-3,
  /** What a float32 backend of ours should reach. */
  target: 1e-4,
  /**
   * Norm below which a gradient counts as zero: that of a `*_project_BN/beta` before another batch normalization is
   * zero in exact arithmetic (1e-16 in float64) and pure rounding in float32.
   */
  floor: 1e-4,
} as const;

/** Rung L4 on few Adam steps: relative error of a step's loss against float64. */
export const LOSS_TOLERANCE = {
  /** Keras's own `numerical_test.py` allows 1e-3 after four Adam steps. */
  gate: 1e-3,
} as const;
