import { floats, list, listed } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, type Parameter, type Parameters, row } from "../op-row.ts";
import { mapTensor } from "../tensor64.ts";
import type { Rule } from "../tolerances.ts";
import { first } from "./parametric.ts";

/** A function of one number with the domain that its cases draw from. */
interface Unary {
  readonly name: string;
  readonly compute: (value: number) => number;
  readonly rule: Rule;
  /** -2 … 2 without. */
  readonly domain?: readonly [low: number, high: number];
  /** Values worth a look: kinks, borders of the domain, where it saturates. */
  readonly special: string;
  /** A staircase: differences say nothing about its gradient at special values. */
  readonly stairs?: true;
}

const SHAPES: readonly (readonly number[])[] = [[7], [2, 3, 5], [1, 1, 1, 1], [2, 3, 1, 5]];
const WORDS = "NaN Infinity -Infinity";
const TINY = "1e-7 -1e-7 1e-20 -1e-20";
const HALVES = "0 2 -2 0.5 -0.5 1.5 2.5 -1.5 -2.5 3.5";

/** Rounds halves to even, as IEEE 754 and TensorFlow do. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

const rsqrt = (value: number): number => 1 / Math.sqrt(value);
const step = (value: number): number => keepNaN(value, value > 0 ? 1 : 0);
const relu = (value: number): number => keepNaN(value, Math.max(value, 0));
const relu6 = (value: number): number => keepNaN(value, Math.min(Math.max(value, 0), 6));
const elu = (value: number): number => (value >= 0 ? value : Math.expm1(value));
const keepNaN = (value: number, otherwise: number): number => (Number.isNaN(value) ? Number.NaN : otherwise);

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

function softplus(value: number): number {
  return value > 0 ? value + Math.log1p(Math.exp(-value)) : Math.log1p(Math.exp(value));
}

/** Klambauer et al., Self-Normalizing Neural Networks, with the paper's two constants. */
function selu(value: number): number {
  const [alpha, scale] = [1.6732632423543772, 1.0507009873554805];
  return value >= 0 ? scale * value : scale * alpha * Math.expm1(value);
}

/** By its Taylor series, and its continued fraction where that converges faster. */
export function erf(value: number): number {
  if (Number.isNaN(value)) return Number.NaN;
  const size = Math.abs(value);
  if (size > 6) return Math.sign(value);
  if (size < 3) {
    let term = value;
    let sum = value;
    for (let n = 1; n < 100; n += 1) {
      term *= -(value * value) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 80; n >= 1; n -= 1) fraction = n / 2 / (size + fraction);
  return Math.sign(value) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction));
}

const UNARIES: readonly Unary[] = [
  { name: "abs", compute: Math.abs, rule: "exact", special: `0 -0 ${TINY} ${WORDS}` },
  { name: "neg", compute: (v) => -v, rule: "exact", special: `0 ${TINY} ${WORDS}` },
  { name: "sign", compute: Math.sign, rule: "exact", stairs: true, special: `0 ${TINY} 3e38 ${WORDS}` },
  { name: "square", compute: (v) => v * v, rule: "arithmetic", special: `0 1e-10 -1e10 ${WORDS}` },
  { name: "reciprocal", compute: (v) => 1 / v, rule: "division", domain: [0.3, 3], special: `1e-10 -1e10 ${WORDS}` },
  { name: "sqrt", compute: Math.sqrt, rule: "squareRoot", domain: [0.1, 9], special: "1e-10 1e10 -1 NaN Infinity" },
  { name: "rsqrt", compute: rsqrt, rule: "inverseRoot", domain: [0.1, 9], special: `1e-10 1e10 -1 ${WORDS}` },
  { name: "exp", compute: Math.exp, rule: "exponential", special: `0 1e-7 -30 30 80 -80 ${WORDS}` },
  { name: "expm1", compute: Math.expm1, rule: "nearZero", special: `1e-3 -1e-3 1e-5 1e-7 30 -30 ${WORDS}` },
  { name: "log", compute: Math.log, rule: "logarithm", domain: [0.1, 9], special: "1 1e-10 1e10 -1 NaN Infinity" },
  {
    name: "log1p",
    compute: Math.log1p,
    rule: "nearZero",
    domain: [0.1, 9],
    special: "1e-3 1e-5 1e-7 1e10 -2 NaN Infinity",
  },
  { name: "sin", compute: Math.sin, rule: "sine", domain: [-3, 3], special: `0 1e-3 ${WORDS}` },
  { name: "cos", compute: Math.cos, rule: "sine", domain: [-3, 3], special: `0 1e-3 ${WORDS}` },
  { name: "tan", compute: Math.tan, rule: "tangent", domain: [-1, 1], special: `0 1e-3 ${WORDS}` },
  { name: "asin", compute: Math.asin, rule: "arc", domain: [-0.9, 0.9], special: "0 1.5 -2 NaN" },
  { name: "acos", compute: Math.acos, rule: "arc", domain: [-0.9, 0.9], special: "0 1.5 -2 NaN" },
  { name: "atan", compute: Math.atan, rule: "arc", special: `0 1e3 -1e3 ${WORDS}` },
  { name: "sinh", compute: Math.sinh, rule: "hyperbolic", domain: [-3, 3], special: "0 1e-3 NaN" },
  { name: "cosh", compute: Math.cosh, rule: "hyperbolic", domain: [-3, 3], special: "0 1e-3 NaN" },
  { name: "tanh", compute: Math.tanh, rule: "hyperbolic", domain: [-3, 3], special: `0 1e-3 20 -20 50 -100 ${WORDS}` },
  { name: "asinh", compute: Math.asinh, rule: "hyperbolic", domain: [-3, 3], special: "0 1e-3 30 NaN" },
  { name: "acosh", compute: Math.acosh, rule: "hyperbolic", domain: [1.2, 4], special: "100 0.5 NaN" },
  { name: "atanh", compute: Math.atanh, rule: "hyperbolic", domain: [-0.9, 0.9], special: "0 1e-3 1.5 NaN" },
  { name: "erf", compute: erf, rule: "errorFunction", domain: [-3, 3], special: "0 1e-3 6 -6 NaN" },
  {
    name: "floor",
    compute: Math.floor,
    rule: "exact",
    stairs: true,
    domain: [-5, 5],
    special: `${HALVES} 16777215 ${WORDS}`,
  },
  {
    name: "ceil",
    compute: Math.ceil,
    rule: "exact",
    stairs: true,
    domain: [-5, 5],
    special: `${HALVES} 16777215 ${WORDS}`,
  },
  {
    name: "round",
    compute: roundHalfEven,
    rule: "exact",
    stairs: true,
    domain: [-5, 5],
    special: `${HALVES} 8388609 ${WORDS}`,
  },
  { name: "step", compute: step, rule: "exact", stairs: true, special: `0 ${TINY} ${WORDS}` },
  { name: "relu", compute: relu, rule: "exact", special: `0 ${TINY} ${WORDS}` },
  {
    name: "relu6",
    compute: relu6,
    rule: "exact",
    domain: [-3, 9],
    special: `0 6 5.9999995 6.0000005 ${TINY} ${WORDS}`,
  },
  { name: "elu", compute: elu, rule: "softplus", special: `0 -1e-3 30 -30 ${WORDS}` },
  { name: "selu", compute: selu, rule: "softplus", special: `0 -1e-3 30 -30 ${WORDS}` },
  { name: "sigmoid", compute: sigmoid, rule: "sigmoid", domain: [-6, 6], special: `0 20 -20 80 -80 ${WORDS}` },
  {
    name: "logSigmoid",
    compute: (v) => -softplus(-v),
    rule: "softplus",
    domain: [-6, 6],
    special: "0 20 -20 80 -80 NaN",
  },
  {
    name: "softplus",
    compute: softplus,
    rule: "softplus",
    domain: [-6, 6],
    special: `0 12 -12 20 -20 80 -80 ${WORDS}`,
  },
];

function unaryRow({ name, compute, rule, domain = [-2, 2], special, stairs }: Unary): OpRow {
  return row<Parameters>({
    op: `tf.${name}`,
    cases: [
      ...SHAPES.map((shape) => ({ shape })),
      { values: list(special), times: 1 },
      { values: list(special), times: 7 }, // through every lane of a vector
    ],
    inputs: ({ shape, values, times }) => [
      values === undefined
        ? floats(shape as readonly number[], 11, ...domain)
        : listed(Array.from({ length: Number(times) }, () => values as readonly Parameter[]).flat()),
    ],
    call: () => call(name, x(0)),
    reference: (inputs) => mapTensor(first(inputs), compute),
    rule,
    ...(stairs ? { gradients: ({ values }: Parameters) => (values === undefined ? [0] : []) } : {}),
  });
}

/** Functions of one number. */
export function unaryRows(): OpRow[] {
  return UNARIES.map(unaryRow);
}
