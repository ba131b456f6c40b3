import { floats, listedPairs, pairList } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, type Parameters, row } from "../op-row.ts";
import { zipTensors } from "../tensor64.ts";
import type { Rule } from "../tolerances.ts";
import { first, second } from "./parametric.ts";

type Shape = readonly number[];
type Compute = (a: number, b: number) => number;

/** A function of two numbers. */
interface Binary {
  readonly name: string;
  readonly compute: Compute;
  readonly rule: Rule;
  /** Domains of the two; -2 … 2 without. */
  readonly a?: readonly [low: number, high: number];
  readonly b?: readonly [low: number, high: number];
  /** Pairs worth a look. */
  readonly special?: string;
  /** Pairs of whole numbers; absent where it takes none. */
  readonly integers?: string;
  /** Scale of its rounding errors where that is not the result. */
  readonly scale?: Compute;
  readonly gradients?: readonly number[];
}

/** Broadcasting of every kind that has a way of its own somewhere. */
const SHAPES: readonly (readonly [Shape, Shape])[] = [
  [[7], [7]],
  [[2, 3, 5], [5]],
  [
    [2, 3, 5],
    [3, 1],
  ],
  [
    [2, 1, 5],
    [1, 3, 1],
  ],
  [[4], [2, 3, 4]],
  [
    [1, 1, 1, 1],
    [2, 2, 3, 3],
  ],
  [
    [2, 2, 3, 3],
    [2, 1, 1, 3],
  ],
];

const plus: Compute = (a, b) => Math.abs(a) + Math.abs(b);
const floorMod: Compute = (a, b) => a - b * Math.floor(a / b);
const divNoNan: Compute = (a, b) => (b === 0 ? 0 : a / b);
const INTEGERS = "7/2 -7/2 7/-2 -7/-2 6/3 -6/3 1/5 -1/5 30000/7";
const QUOTIENTS = "-3/2 3/-2 -4/2 7/7 -7.5/-2";
const EXTREMES = "NaN/1 1/NaN Infinity/1 -Infinity/1 0/-0 2/2 -1e-7/1e-7";
const POWERS = "2/0 0/2 -2/3 -2/2 -2/0.5 0/0 9/0.5";
const ARCS = "1/0 -1/0 0/1 0/-1 1/-1 -1/-1 NaN/1";

const BINARIES: readonly Binary[] = [
  {
    name: "add",
    compute: (a, b) => a + b,
    rule: "sum",
    scale: plus,
    integers: INTEGERS,
    special: "1/1e-7 Infinity/-Infinity NaN/1",
  },
  {
    name: "sub",
    compute: (a, b) => a - b,
    rule: "sum",
    scale: plus,
    integers: INTEGERS,
    special: "1/1e-7 Infinity/Infinity NaN/1",
  },
  { name: "mul", compute: (a, b) => a * b, rule: "sum", integers: INTEGERS, special: "0/Infinity 1e-20/1e-10 NaN/0" },
  {
    name: "div",
    compute: (a, b) => a / b,
    rule: "division",
    b: [0.5, 3],
    special: "1/0 -1/0 0/0 1/Infinity 1e-20/1e10",
  },
  { name: "divNoNan", compute: divNoNan, rule: "division", b: [0.5, 3], special: "1/0 0/0 -3/0 1/2", gradients: [] },
  {
    name: "floorDiv",
    compute: (a, b) => Math.floor(a / b),
    rule: "exact",
    a: [-9, 9],
    b: [0.7, 3],
    integers: INTEGERS,
    special: QUOTIENTS,
    gradients: [],
  },
  {
    name: "mod",
    compute: floorMod,
    rule: "division",
    scale: plus,
    a: [-9, 9],
    b: [0.7, 3],
    integers: INTEGERS,
    special: QUOTIENTS,
  },
  { name: "maximum", compute: Math.max, rule: "exact", integers: INTEGERS, special: EXTREMES },
  { name: "minimum", compute: Math.min, rule: "exact", integers: INTEGERS, special: EXTREMES },
  {
    name: "squaredDifference",
    compute: (a, b) => (a - b) ** 2,
    rule: "arithmetic",
    scale: (a, b) => plus(a, b) ** 2,
    integers: INTEGERS,
  },
  {
    name: "pow",
    compute: (a, b) => a ** b,
    rule: "power",
    a: [0.3, 3],
    b: [-2, 3],
    integers: "2/3 -2/3 3/2 5/0 10/9 0/0",
    special: POWERS,
  },
  { name: "atan2", compute: Math.atan2, rule: "arc", special: ARCS },
];

function binaryRow({
  name,
  compute,
  rule,
  a = [-2, 2],
  b = [-2, 2],
  special,
  integers,
  scale,
  gradients,
}: Binary): OpRow {
  return row<Parameters>({
    op: `tf.${name}`,
    cases: [
      ...SHAPES.map(([left, right]) => ({ a: left, b: right })),
      ...(special === undefined ? [] : [{ pairs: pairList(special) }]),
      ...(integers === undefined ? [] : [{ integers: pairList(integers) }]),
    ],
    inputs(p) {
      if (p.pairs !== undefined) return listedPairs(p.pairs);
      if (p.integers !== undefined) return listedPairs(p.integers, "int32");
      return [floats(p.a as Shape, 15, ...a), floats(p.b as Shape, 16, ...b)];
    },
    call: () => call(name, x(0), x(1)),
    reference: (inputs) => zipTensors(first(inputs), second(inputs), compute),
    rule,
    dtype: (p) => (p.integers === undefined ? "float32" : "int32"),
    ...(scale === undefined ? {} : { scale: (inputs) => zipTensors(first(inputs), second(inputs), scale) }),
    ...(gradients === undefined ? {} : { gradients }),
  });
}

/** Arithmetic of two numbers, with broadcasting. */
export function binaryRows(): OpRow[] {
  return BINARIES.map(binaryRow);
}
