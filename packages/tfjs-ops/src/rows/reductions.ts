import { booleans, distinct, floats, integers, list, listed } from "../case-values.ts";
import { call, pick, x } from "../op-call.ts";
import { type CaseInput, type OpRow, type Parameters, row } from "../op-row.ts";
import { axesOf, reduceTensor, type Tensor64 } from "../tensor64.ts";
import type { Rule } from "../tolerances.ts";
import { first } from "./parametric.ts";

type Shape = readonly number[];
type Axes = readonly number[] | null;
type Reduce = (values: readonly number[]) => number;

/** A reduction over axes. */
interface Reduction {
  readonly name: string;
  readonly compute: Reduce;
  readonly rule: Rule;
  readonly draw: (shape: Shape) => CaseInput;
  /** Whether an element is a sum over its group. */
  readonly sums?: boolean;
  readonly scale?: Reduce;
  readonly special?: string;
  readonly gradients?: readonly number[];
}

const sum: Reduce = (values) => values.reduce((total, value) => total + value, 0);
const mean: Reduce = (values) => sum(values) / values.length;
const largest: Reduce = (values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
const smallest: Reduce = (values) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const logSumExp: Reduce = (values) => largest(values) + Math.log(sum(values.map((v) => Math.exp(v - largest(values)))));
const variance: Reduce = (values) => mean(values.map((value) => (value - mean(values)) ** 2));
const meanSquare: Reduce = (values) => mean(values.map((value) => value * value));
const absolute =
  (reduce: Reduce): Reduce =>
  (values) =>
    reduce(values.map(Math.abs));

const wide = (shape: Shape): CaseInput => floats(shape, 22, -2, 2);
const positive = (shape: Shape): CaseInput => floats(shape, 23, 0.5, 1.5);

const REDUCTIONS: readonly Reduction[] = [
  { name: "sum", compute: sum, rule: "sum", draw: wide, sums: true, scale: absolute(sum), special: "1e8 1 -1e8 NaN" },
  { name: "mean", compute: mean, rule: "division", draw: wide, sums: true, scale: absolute(mean), special: "1 NaN" },
  {
    name: "prod",
    compute: (values) => values.reduce((a, b) => a * b, 1),
    rule: "product",
    draw: positive,
    sums: true,
  },
  { name: "max", compute: largest, rule: "exact", draw: distinct, special: "1 NaN 2" },
  { name: "min", compute: smallest, rule: "exact", draw: distinct, special: "1 NaN 2" },
  { name: "logSumExp", compute: logSumExp, rule: "logSum", draw: wide, sums: true, special: "1000 999 -1000" },
];

const SHAPES: readonly (readonly [Shape, Axes])[] = [
  [[7], null],
  [[7], [0]],
  [[3, 5], [0]],
  [[3, 5], [1]],
  [[3, 5], [-1]],
  [
    [3, 5],
    [0, 1],
  ],
  [[2, 3, 5], [1]],
  [
    [2, 3, 5],
    [0, 2],
  ],
  [
    [2, 3, 4, 5],
    [1, 2],
  ],
  [
    [2, 3, 4, 3],
    [0, 3],
  ],
  [[1, 1], [0]],
  [[33], [0]],
  [[2, 67], [1]],
  [[257], null],
];

type Case = Parameters & { readonly axes: Axes; readonly keepDims: boolean };

function casesOf(special?: string): Case[] {
  const cases = SHAPES.map(([shape, axes], index) => ({ shape, axes, keepDims: index % 3 === 1 }));
  return special === undefined ? cases : [...cases, { values: list(special), axes: null, keepDims: false }];
}

function inputsOf(draw: (shape: Shape) => CaseInput, { shape, values }: Parameters): CaseInput[] {
  return [values === undefined ? draw(shape as Shape) : listed(values)];
}

/** Longest group of a reduction. */
function groupSize(input: Tensor64, axes: Axes): number {
  return axesOf(input.shape.length, axes).reduce((count, axis) => count * (input.shape[axis] ?? 1), 1);
}

function reductionRow({ name, compute, rule, draw, sums, scale, special, gradients }: Reduction): OpRow {
  return row<Case>({
    op: `tf.${name}`,
    cases: casesOf(special),
    inputs: (p) => inputsOf(draw, p),
    call: ({ axes, keepDims }) => call(name, x(0), axes ?? undefined, keepDims),
    reference: (inputs, { axes, keepDims }) => reduceTensor(first(inputs), axes, keepDims, compute),
    rule,
    ...(sums === undefined ? {} : { terms: ({ axes }, inputs) => groupSize(first(inputs), axes) }),
    ...(scale === undefined
      ? {}
      : { scale: (inputs, { axes, keepDims }) => reduceTensor(first(inputs), axes, keepDims, scale) }),
    ...(gradients === undefined ? {} : { gradients }),
  });
}

function momentRow(part: "mean" | "variance"): OpRow {
  const compute = part === "mean" ? mean : variance;
  return row<Case>({
    op: `tf.moments (${part})`,
    cases: casesOf(),
    inputs: (p) => inputsOf(wide, p),
    call: ({ axes, keepDims }) => pick(part, call("moments", x(0), axes ?? undefined, keepDims)),
    reference: (inputs, { axes, keepDims }) => reduceTensor(first(inputs), axes, keepDims, compute),
    rule: "normalization",
    scale: (inputs, { axes, keepDims }) =>
      reduceTensor(first(inputs), axes, keepDims, part === "mean" ? absolute(mean) : meanSquare),
    terms: ({ axes }, inputs) => groupSize(first(inputs), axes),
  });
}

function argRow(name: "argMax" | "argMin"): OpRow {
  type P = { readonly shape: Shape; readonly axis: number };
  const best = name === "argMax" ? largest : smallest;
  return row<P>({
    op: `tf.${name}`,
    cases: [
      { shape: [7], axis: 0 },
      { shape: [3, 5], axis: 0 },
      { shape: [3, 5], axis: 1 },
      { shape: [2, 3, 4, 5], axis: -1 },
      { shape: [2, 3, 4, 5], axis: 1 },
      { shape: [2, 67], axis: 1 },
      { shape: [300], axis: 0 },
    ],
    inputs: ({ shape }) => [distinct(shape, 24)],
    call: ({ axis }) => call(name, x(0), axis),
    reference: (inputs, { axis }) => reduceTensor(first(inputs), axis, false, (values) => values.indexOf(best(values))),
    rule: "exact",
    dtype: () => "int32",
    gradients: [],
  });
}

function quantifierRow(name: "all" | "any"): OpRow {
  return row<Case>({
    op: `tf.${name}`,
    cases: casesOf(),
    inputs: ({ shape }) => [booleans(shape as Shape, 25)],
    call: ({ axes, keepDims }) => call(name, x(0), axes ?? undefined, keepDims),
    reference: (inputs, { axes, keepDims }) =>
      reduceTensor(first(inputs), axes, keepDims, (values) =>
        Number(name === "all" ? values.every((value) => value !== 0) : values.some((value) => value !== 0)),
      ),
    rule: "exact",
    dtype: () => "bool",
  });
}

function wholeRow(name: "sum" | "prod" | "max" | "min"): OpRow {
  type P = { readonly shape: Shape; readonly axes: Axes; readonly keepDims: boolean };
  const { compute } = REDUCTIONS.find((candidate) => candidate.name === name) ?? { compute: sum };
  return row<P>({
    op: `tf.${name} (int32)`,
    cases: [
      { shape: [7], axes: null, keepDims: false },
      { shape: [2, 3, 5], axes: [1], keepDims: true },
      { shape: [3, 5], axes: [1], keepDims: false },
    ],
    inputs: ({ shape }) => [integers(shape, -4, 5, 26)],
    call: ({ axes, keepDims }) => call(name, x(0), axes ?? undefined, keepDims),
    reference: (inputs, { axes, keepDims }) => reduceTensor(first(inputs), axes, keepDims, compute),
    rule: "exact",
    dtype: () => "int32",
  });
}

/** Reductions over every kind of axis set. */
export function reductionRows(): OpRow[] {
  return [
    ...REDUCTIONS.map(reductionRow),
    ...(["mean", "variance"] as const).map(momentRow),
    ...(["argMax", "argMin"] as const).map(argRow),
    ...(["all", "any"] as const).map(quantifierRow),
    ...(["sum", "prod", "max", "min"] as const).map(wholeRow),
  ];
}
