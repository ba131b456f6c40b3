import { booleans, floats, integers, list, listed, listedPairs, pairList } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, type Parameters, row } from "../op-row.ts";
import { broadcastAt, broadcastShape, build, mapTensor, zipTensors } from "../tensor64.ts";
import { first, second } from "./parametric.ts";

type Shape = readonly number[];

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greaterEqual: (a, b) => a >= b,
};

const LOGICALS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  logicalAnd: (a, b) => a !== 0 && b !== 0,
  logicalOr: (a, b) => a !== 0 || b !== 0,
  logicalXor: (a, b) => (a !== 0) !== (b !== 0),
};

const TESTS: Readonly<Record<string, (value: number) => boolean>> = {
  isNaN: (value) => Number.isNaN(value),
  isInf: (value) => Math.abs(value) === Number.POSITIVE_INFINITY,
  isFinite: (value) => Number.isFinite(value),
};

const PAIRS = "1/1 1/2 2/1 1e-7/0 0/-0 1/1.0000001 NaN/NaN NaN/1 Infinity/Infinity 16777216/16777217";

function comparisonRow(name: string, compute: (a: number, b: number) => boolean): OpRow {
  return row<Parameters>({
    op: `tf.${name}`,
    cases: [
      { a: [2, 3, 5], b: [3, 1] },
      { a: [4], b: [4] },
      { pairs: pairList(PAIRS) },
      { integers: pairList("1/1 1/2 -2/1 16777216/16777217") },
    ],
    inputs(p) {
      if (p.pairs !== undefined) return listedPairs(p.pairs);
      if (p.integers !== undefined) return listedPairs(p.integers, "int32");
      return [integers(p.a as Shape, 0, 3, 17), integers(p.b as Shape, 0, 3, 18)];
    },
    call: () => call(name, x(0), x(1)),
    reference: (inputs) => zipTensors(first(inputs), second(inputs), (a, b) => Number(compute(a, b))),
    rule: "exact",
    dtype: () => "bool",
    gradients: [],
  });
}

function logicalRow(name: string, compute: (a: number, b: number) => boolean): OpRow {
  return row<{ readonly a: Shape; readonly b: Shape }>({
    op: `tf.${name}`,
    cases: [
      { a: [2, 3, 5], b: [3, 1] },
      { a: [7], b: [7] },
    ],
    inputs: ({ a, b }) => [booleans(a, 17), booleans(b, 18)],
    call: () => call(name, x(0), x(1)),
    reference: (inputs) => zipTensors(first(inputs), second(inputs), (a, b) => Number(compute(a, b))),
    rule: "exact",
    dtype: () => "bool",
  });
}

function testRow(name: string, compute: (value: number) => boolean): OpRow {
  return row<Parameters>({
    op: `tf.${name}`,
    cases: [{ values: list("0 1 -1 1e-7 3e38 NaN Infinity -Infinity") }, { shape: [2, 3] }],
    inputs: ({ shape, values }) => [values === undefined ? floats(shape as Shape, 12) : listed(values)],
    call: () => call(name, x(0)),
    reference: (inputs) => mapTensor(first(inputs), (value) => Number(compute(value))),
    rule: "exact",
    dtype: () => "bool",
    gradients: [],
  });
}

/** Comparisons, logic and choices. */
export function predicateRows(): OpRow[] {
  return [
    ...Object.entries(COMPARISONS).map(([name, compute]) => comparisonRow(name, compute)),
    ...Object.entries(LOGICALS).map(([name, compute]) => logicalRow(name, compute)),
    ...Object.entries(TESTS).map(([name, compute]) => testRow(name, compute)),
    row<{ readonly shape: Shape }>({
      op: "tf.logicalNot",
      cases: [{ shape: [2, 3, 5] }, { shape: [1] }],
      inputs: ({ shape }) => [booleans(shape, 17)],
      call: () => call("logicalNot", x(0)),
      reference: (inputs) => mapTensor(first(inputs), (value) => 1 - value),
      rule: "exact",
      dtype: () => "bool",
    }),
    row<{ readonly condition: Shape; readonly a: Shape; readonly b: Shape }>({
      op: "tf.where",
      cases: [
        { condition: [2, 3, 5], a: [2, 3, 5], b: [2, 3, 5] },
        { condition: [3, 1], a: [2, 3, 5], b: [5] },
        { condition: [7], a: [7], b: [1] },
      ],
      inputs: ({ condition, a, b }) => [booleans(condition, 19), floats(a, 20), floats(b, 21)],
      call: () => call("where", x(0), x(1), x(2)),
      reference(inputs) {
        const [condition, a, b] = [first(inputs), second(inputs), second(inputs.slice(1))];
        const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
        return build(shape, (place) => broadcastAt(broadcastAt(condition, place) === 0 ? b : a, place));
      },
      rule: "exact",
    }),
  ];
}
