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
  | "upload"
  | "lend"
  | "uploadPixels"
  | "uploadExact"
  | "uploadLabels"
  | "download"
  | "downloadExact"
  | "dispose"
  | "memory"
  | "optimizerSlots"
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
const SIGMOID: OpTolerance = {
  roundings: 8,
  reason: "exp is off by (3 + 2|x|) ULP, which the condition sum holds; one sum, one division (2.5 ULP), one product",
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
  conv2dNormalised: BATCH_NORM,
  depthwiseConv2dNormalised: BATCH_NORM,
  conv2dStatistics: BATCH_NORM,
  depthwiseConv2dStatistics: BATCH_NORM,
  conv2dGradients: BATCH_NORM_GRADIENT,
  depthwiseConv2dGradients: BATCH_NORM_GRADIENT,
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
  reshape: EXACT,
  maxPool: EXACT,
  maxPoolGradient: PRODUCT_SUM,
  scaleChannels: PRODUCT_SUM,
  scaleChannelsGradient: PRODUCT_SUM,
  activate: SIGMOID,
  activateGradient: { roundings: 16, reason: `products with it: twice this: ${SIGMOID.reason}` },
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
 * The same where most terms are equal, as on a photo's plain background: their roundings all go the same way. Libraries
 * add in 4 or 8 chains, one a SIMD lane, and reach K/8 (libtensorflow and wasm, measured); one single chain reaches K/2.
 */
export function equalTermsBound(terms: number): number {
  return Math.max(sumBound(terms), terms / 4);
}

/**
 * Largest error that a kernel may make in one element.
 * @param scale the element's condition sum, Σ|aᵢbᵢ|
 * @param terms length of its sum
 * @param unitRoundoff one of {@link UNIT_ROUNDOFF}
 * @param boundOf what a sum of so many terms may be off by, in unit roundoffs
 */
export function opBound(
  kernel: ComputingKernel,
  scale: number,
  terms: number,
  unitRoundoff: number,
  boundOf: (terms: number) => number = sumBound,
): number {
  return (boundOf(terms) + OP_TOLERANCES[kernel].roundings) * unitRoundoff * scale + terms * SMALLEST_NORMAL;
}

/** Rung L3: gradients of one step against float64. */
export const GRADIENT_TOLERANCE = {
  /** Relative L2 error of a tensor that fails a run (JAX `check_grads`). */
  gate: 2e-3,
  /** What a float32 backend of ours should reach. */
  target: 1e-4,
  /** Smallest cosine between two gradients. */
  cosine: 0.99999,
  /** Times the error of the float32 reference, where that is larger than the gate: as for activations. */
  multiple: 2,
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

/** Rung L5: what a paired TOST on test accuracies must show. */
export const EQUIVALENCE_TOLERANCE = {
  /**
   * Largest mean difference that counts as the same, percentage points: nobody would choose a backend for less. One
   * test image of n is 100/n; the mean over seeds resolves more.
   */
  delta: 1.0,
  /** Chance of calling runners the same that are apart by delta: the usual level of each one-sided test (Schuirmann 1987). */
  alpha: 0.05,
  /** Chance of finding equivalence where it holds, that the seeds asked for are to give. */
  power: 0.9,
  /** Seeds that are searched for that power; more nobody runs. */
  mostSeeds: 200,
} as const;

/** Drift against a recorded report: what an upgrade may do to errors of rounding, and what it may not. */
export const DRIFT_TOLERANCE = {
  /**
   * Growth of a measure that is reported: sums in another order move an error of rounding by a factor of 2 or so, a
   * wrong formula by orders of magnitude.
   */
  growth: 3,
  /** Share of its bound below which a measure may grow as it likes: it is far from mattering. */
  shareOfBound: 0.1,
} as const;

/**
 * Rung L2: what a layer's output may be off by. Source: PyTorch Dynamo's `same()`, which holds a result against the
 * error of the plain float32 run, both measured against float64.
 */
export const ACTIVATION_TOLERANCE = {
  /** Times the error of the float32 reference: two float32 orders of summation differ by about as much as each errs. */
  multiple: 2,
  /** For tensors of fewer than `smallSize` values, whose rmse is itself uncertain. */
  smallMultiple: 3,
  smallSize: 1000,
  /** Added to it, for layers where the reference happens to be exact. */
  absolute: 1e-5,
} as const;

/** Rung L3: values near the kink of a ReLU, where rounding decides whether the gradient passes. */
export const KINK_TOLERANCE = {
  /** Two outputs closer than this are the same value on two sides of a kink; the rmse of float32 is below 1e-4. */
  distance: 1e-3,
  /** Relative error of gradients at and below the kink: one crossing moved a gradient by 1 to 5 % (measured). */
  gradient: 5e-2,
} as const;

/** Rung L3: the first movement of a batch normalization's moving statistics. */
export const STATISTICS_TOLERANCE = {
  /** Relative L2 error, as for gradients; a Bessel-corrected variance is off by 1/n: 1 % and more in the last layers. */
  gate: 2e-3,
  /** A movement of 0.001 of the difference is the difference of two rounded values of the statistics' own size. */
  roundings: 4,
  /** Error of a batch's mean in standard deviations (of its variance in variances): 4·√K·u is 1e-5 for 2,000 values. */
  share: 2e-5,
} as const;

/** Rung L4: how far weights may be apart, before self-noise. */
export const WEIGHT_TOLERANCE = {
  /** Adam: largest difference of one weight, in learning rates times steps; a step moves a weight by about one rate. */
  adamShare: 0.25,
  /** Relative L2 difference of the whole update: a wrong constant in the optimizer shows here first. */
  update: 2e-2,
  /** Size of a movement of moving statistics, relative to themselves, below which it is rounding: 4 · 2^-24. */
  statisticsFloor: 2 ** -22,
} as const;

/** Rung L4: a backend is fine within so many times its own noise (numerics: "within 3 × self-noise passes"). */
export const SELF_NOISE_MULTIPLE = 3;
