/**
 * How far a backend's result may be off. One element may differ from float64 by
 * `(ulps + perMagnitude·|x|)·2^-23·scale + sumBound(terms)·u·scale + absolute`.
 */
export interface Accuracy {
  /** Units in the last place, relative to the element's scale. */
  readonly ulps: number;
  /** Further units for each unit of |x|, of the first input's element (elementwise operations). */
  readonly perMagnitude?: number;
  readonly absolute?: number;
}

/** The two arithmetics that backends have: IEEE 754 with a C or JavaScript library, and shaders. */
export type Arithmetic = "ieee" | "wgsl";

/** What an operation and its gradient may be off by, with the reason. */
export interface Tolerance {
  readonly forward: Readonly<Record<Arithmetic, Accuracy>>;
  /** `absolute` is multiplied by the gradient that comes in. */
  readonly gradient: Readonly<Record<Arithmetic, Accuracy>>;
  readonly reason: string;
}

const same = (accuracy: Accuracy): Readonly<Record<Arithmetic, Accuracy>> => ({ ieee: accuracy, wgsl: accuracy });
const WGSL = 'WGSL, "Floating Point Evaluation"';

/** Name of a bound. */
export type Rule =
  | "exact"
  | "sum"
  | "arithmetic"
  | "product"
  | "division"
  | "squareRoot"
  | "inverseRoot"
  | "exponential"
  | "logarithm"
  | "nearZero"
  | "sine"
  | "tangent"
  | "arc"
  | "hyperbolic"
  | "power"
  | "sigmoid"
  | "softplus"
  | "errorFunction"
  | "softmax"
  | "logSum"
  | "normalization"
  | "interpolation";

/**
 * Bounds of stock operations. `ieee` follows what libm, V8 and Eigen keep (a few ULP); `wgsl` is the accuracy that the
 * WGSL specification asks of a device ("Floating Point Evaluation", table "Accuracy of built-in functions"), which GLSL
 * ES leaves open. Sums have their own term (core's `sumBound`).
 */
export const RULES: Readonly<Record<Rule, Tolerance>> = {
  exact: {
    forward: same({ ulps: 0 }),
    gradient: same({ ulps: 0 }),
    reason: "moves, selects, counts or compares; a gradient is a sum of what comes in",
  },
  sum: {
    forward: same({ ulps: 1 }),
    gradient: same({ ulps: 2 }),
    reason: "sums of products; a gradient is a sum of products again",
  },
  arithmetic: {
    forward: same({ ulps: 2 }),
    gradient: same({ ulps: 4 }),
    reason: "at most two rounded sums, differences or products",
  },
  product: {
    forward: same({ ulps: 2 }),
    gradient: same({ ulps: 140 }),
    reason: "each of up to 257 factors rounds once; the gradient multiplies running products",
  },
  division: {
    forward: { ieee: { ulps: 2 }, wgsl: { ulps: 5 } },
    gradient: { ieee: { ulps: 8 }, wgsl: { ulps: 16 } },
    reason: `one quotient (2.5 ULP: ${WGSL}) beside a sum; the gradient has two and products`,
  },
  squareRoot: {
    forward: { ieee: { ulps: 2 }, wgsl: { ulps: 5 } },
    gradient: { ieee: { ulps: 8 }, wgsl: { ulps: 16 } },
    reason: `sqrt is 1/inverseSqrt: 2 + 2.5 ULP (${WGSL}); the gradient has a quotient more`,
  },
  inverseRoot: {
    forward: { ieee: { ulps: 4 }, wgsl: { ulps: 4 } },
    gradient: { ieee: { ulps: 16 }, wgsl: { ulps: 24 } },
    reason: `2 ULP (${WGSL}), 1/sqrt is two roundings; the gradient multiplies three`,
  },
  exponential: {
    forward: { ieee: { ulps: 4 }, wgsl: { ulps: 4, perMagnitude: 2 } },
    gradient: { ieee: { ulps: 8 }, wgsl: { ulps: 8, perMagnitude: 4 } },
    reason: `exp is off by 3 + 2|x| ULP (${WGSL})`,
  },
  logarithm: {
    forward: { ieee: { ulps: 4 }, wgsl: { ulps: 4, absolute: 2 ** -20 } },
    gradient: { ieee: { ulps: 4 }, wgsl: { ulps: 8 } },
    reason: `log is off by 3 ULP, or 2^-21 on [0.5, 2] (${WGSL})`,
  },
  nearZero: {
    forward: { ieee: { ulps: 8 }, wgsl: { ulps: 16, perMagnitude: 4 } },
    gradient: { ieee: { ulps: 8 }, wgsl: { ulps: 16, perMagnitude: 4 } },
    reason: "expm1 and log1p exist to keep their relative accuracy near zero; no standard lets them cancel",
  },
  sine: {
    forward: { ieee: { ulps: 4, absolute: 2 ** -22 }, wgsl: { ulps: 4, absolute: 2 ** -11 } },
    gradient: { ieee: { ulps: 8, absolute: 2 ** -21 }, wgsl: { ulps: 8, absolute: 2 ** -10 } },
    reason: `sin and cos are off by 2^-11 on [-π, π] (${WGSL}); on processors by a rounding of the reduced angle`,
  },
  tangent: {
    forward: { ieee: { ulps: 8 }, wgsl: { ulps: 8, absolute: 2 ** -8 } },
    gradient: { ieee: { ulps: 24 }, wgsl: { ulps: 24, absolute: 2 ** -6 } },
    reason: `sin/cos, each 2^-11 off, where cos is 0.5 or more (${WGSL})`,
  },
  arc: {
    forward: { ieee: { ulps: 8, absolute: 2 ** -22 }, wgsl: { ulps: 4096, absolute: 2 ** -11 } },
    gradient: { ieee: { ulps: 24, absolute: 2 ** -21 }, wgsl: { ulps: 48, absolute: 2 ** -20 } },
    reason: `atan and atan2 are off by 4096 ULP, asin and acos by 6.77e-5 or so much (${WGSL}); gradients are algebraic`,
  },
  hyperbolic: {
    forward: { ieee: { ulps: 8 }, wgsl: { ulps: 8, absolute: 2 ** -15 } },
    gradient: { ieee: { ulps: 16, absolute: 2 ** -20 }, wgsl: { ulps: 16, absolute: 2 ** -14 } },
    reason: `sinh and cosh inherit from exp(x) ± exp(-x), tanh is off by 1e-5, their inverses inherit from log (${WGSL})`,
  },
  power: {
    forward: { ieee: { ulps: 8 }, wgsl: { ulps: 64 } },
    gradient: { ieee: { ulps: 24, absolute: 2 ** -20 }, wgsl: { ulps: 192, absolute: 2 ** -17 } },
    reason: `pow inherits from exp2(y·log2(x)), here |y·log2(x)| ≤ 8 (${WGSL})`,
  },
  sigmoid: {
    forward: { ieee: { ulps: 8 }, wgsl: { ulps: 12, perMagnitude: 2 } },
    gradient: { ieee: { ulps: 16, absolute: 2 ** -22 }, wgsl: { ulps: 24, perMagnitude: 4, absolute: 2 ** -20 } },
    reason: "one exponential, a sum, a quotient; the gradient y(1 - y) cancels where y is near 1",
  },
  softplus: {
    forward: { ieee: { ulps: 8, absolute: 2 ** -22 }, wgsl: { ulps: 12, perMagnitude: 2, absolute: 2 ** -20 } },
    gradient: { ieee: { ulps: 16, absolute: 2 ** -22 }, wgsl: { ulps: 24, perMagnitude: 4, absolute: 2 ** -20 } },
    reason: "log(1 + exp(x)) as most write it is off by one rounding of 1 (2^-21 for log)",
  },
  errorFunction: {
    forward: same({ ulps: 8, absolute: 2 ** -21 }),
    gradient: { ieee: { ulps: 24 }, wgsl: { ulps: 32, perMagnitude: 8 } },
    reason: "the usual approximation (Abramowitz and Stegun 7.1.26) is off by 1.5e-7; the gradient is 2/√π·exp(-x²)",
  },
  softmax: {
    forward: { ieee: { ulps: 16, absolute: 2 ** -24 }, wgsl: { ulps: 40, absolute: 2 ** -22 } },
    gradient: { ieee: { ulps: 32, absolute: 2 ** -21 }, wgsl: { ulps: 64, absolute: 2 ** -19 } },
    reason: "exponentials of differences of up to 8, a sum, a quotient",
  },
  logSum: {
    forward: { ieee: { ulps: 8, absolute: 2 ** -20 }, wgsl: { ulps: 16, absolute: 2 ** -18 } },
    gradient: {
      ieee: { ulps: 32, perMagnitude: 4, absolute: 2 ** -20 },
      wgsl: { ulps: 64, perMagnitude: 4, absolute: 2 ** -18 },
    },
    reason: "a logarithm of a sum of exponentials of up to e^8, and a difference",
  },
  normalization: {
    forward: { ieee: { ulps: 16 }, wgsl: { ulps: 32 } },
    gradient: { ieee: { ulps: 48, absolute: 2 ** -20 }, wgsl: { ulps: 96, absolute: 2 ** -19 } },
    reason: "a difference, an inverse square root or a power, products, one sum",
  },
  interpolation: {
    forward: { ieee: { ulps: 8 }, wgsl: { ulps: 16 } },
    gradient: { ieee: { ulps: 16, absolute: 2 ** -20 }, wgsl: { ulps: 32, absolute: 2 ** -18 } },
    reason: "a position from a rounded ratio, four weights, four products; scale is the largest neighbour",
  },
};
