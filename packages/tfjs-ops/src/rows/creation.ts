import { floats, integers, list, listed } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type CaseType, type OpRow, type Parameters, row } from "../op-row.ts";
import { build, mapTensor, type Tensor64, zipTensors } from "../tensor64.ts";
import { first, second } from "./parametric.ts";

type Shape = readonly number[];

/** Casts as C does: float32 to int32 cuts the fraction off, to bool asks whether it is not zero. */
function castRow(): OpRow {
  type P = Parameters & { readonly from: CaseType; readonly to: CaseType };
  const special = list("0 0.5 -0.5 1.9 -1.9 255 256 -70000 16777215 1e-7");
  return row<P>({
    op: "tf.cast",
    cases: [
      { values: special, from: "float32", to: "int32" },
      { values: special, from: "float32", to: "bool" },
      { values: special, from: "float32", to: "float32" },
      { values: list("NaN Infinity -Infinity"), from: "float32", to: "bool" },
      { values: list("0 1 -1 2 300 -70000 16777215"), from: "int32", to: "float32" },
      { values: list("0 1 -1 2 300 -70000 16777217"), from: "int32", to: "bool" },
      { values: list("0 1 1"), from: "bool", to: "float32" },
      { values: list("0 1 1"), from: "bool", to: "int32" },
    ],
    inputs: ({ values, from }) => [listed(values ?? [], from)],
    call: ({ to }) => call("cast", x(0), to),
    reference: (inputs, { to }) =>
      mapTensor(first(inputs), (value) =>
        to === "bool" ? Number(value !== 0) : to === "int32" ? Math.trunc(value) : value,
      ),
    rule: "exact",
    dtype: ({ to }) => to,
    gradients: ({ to }) => (to === "float32" ? [0] : []),
  });
}

function wideIntegerRow(op: "add" | "mul" | "sub"): OpRow {
  const compute = {
    add: (a: number, b: number) => a + b,
    sub: (a: number, b: number) => a - b,
    mul: (a: number, b: number) => a * b,
  }[op];
  return row<{ readonly a: Shape; readonly b: Shape }>({
    op: `tf.${op} (large int32)`,
    cases: [{ a: [16777217, 2147483646, -2147483647], b: [op === "mul" ? 1 : 0, 1, op === "mul" ? 1 : 0] }],
    inputs: ({ a, b }) => [
      { shape: [a.length], dtype: "int32", values: a },
      { shape: [b.length], dtype: "int32", values: b },
    ],
    call: () => call(op, x(0), x(1)),
    reference: (inputs) => zipTensors(first(inputs), second(inputs), compute),
    rule: "exact",
    dtype: () => "int32",
  });
}

/** Tensors out of nothing. */
function rangeRows(): OpRow[] {
  type Range = {
    readonly start: number;
    readonly stop: number;
    readonly step: number;
    readonly type: "float32" | "int32";
  };
  type Line = { readonly start: number; readonly stop: number; readonly count: number };
  return [
    row<Range>({
      op: "tf.range",
      cases: [
        { start: 0, stop: 5, step: 1, type: "float32" },
        { start: 5, stop: 0, step: -1, type: "int32" },
        { start: 0, stop: 1, step: 0.1, type: "float32" },
        { start: 3, stop: 3, step: 1, type: "int32" },
        { start: -2, stop: 9, step: 3, type: "int32" },
      ],
      inputs: () => [],
      call: ({ start, stop, step, type }) => call("range", start, stop, step, type),
      reference: (_, { start, stop, step }) =>
        build([Math.max(0, Math.ceil((stop - start) / step))], ([index = 0]) => start + index * step),
      rule: "arithmetic",
      terms: () => 10,
      dtype: ({ type }) => type,
    }),
    row<Line>({
      op: "tf.linspace",
      cases: [
        { start: 0, stop: 9, count: 10 },
        { start: -1, stop: 1, count: 7 },
        { start: 2, stop: 2, count: 3 },
        { start: 5, stop: 9, count: 1 },
      ],
      inputs: () => [],
      call: ({ start, stop, count }) => call("linspace", start, stop, count),
      reference: (_, { start, stop, count }) =>
        build([count], ([index = 0]) => (count === 1 ? start : start + (index * (stop - start)) / (count - 1))),
      rule: "arithmetic",
      scale: (_, { start, stop, count }) => build([count], () => Math.max(Math.abs(start), Math.abs(stop))),
      terms: ({ count }) => count,
    }),
    row<{ readonly rows: number; readonly columns: number }>({
      op: "tf.eye",
      cases: [
        { rows: 3, columns: 3 },
        { rows: 2, columns: 4 },
      ],
      inputs: () => [],
      call: ({ rows, columns }) => call("eye", rows, columns),
      reference: (_, { rows, columns }) => build([rows, columns], ([r, c]) => Number(r === c)),
      rule: "exact",
    }),
    row<{ readonly shape: Shape; readonly value: number }>({
      op: "tf.fill",
      cases: [
        { shape: [2, 3], value: 0.25 },
        { shape: [1], value: -7 },
      ],
      inputs: () => [],
      call: ({ shape, value }) => call("fill", shape, value),
      reference: (_, { shape, value }) => build(shape, () => value),
      rule: "exact",
    }),
  ];
}

function bitRow(): OpRow {
  return row<{ readonly a: Shape; readonly b: Shape }>({
    op: "tf.bitwiseAnd",
    cases: [{ a: [0, 5, 3, 14, -1], b: [5, 0, 7, 11, 6] }],
    inputs: ({ a, b }) => [
      { shape: [a.length], dtype: "int32", values: a },
      { shape: [b.length], dtype: "int32", values: b },
    ],
    call: () => call("bitwiseAnd", x(0), x(1)),
    reference: (inputs) => zipTensors(first(inputs), second(inputs), (a, b) => a & b),
    rule: "exact",
    dtype: () => "int32",
  });
}

function sumRow(): OpRow {
  return row<{ readonly shape: Shape; readonly count: number }>({
    op: "tf.addN",
    cases: [
      { shape: [3], count: 1 },
      { shape: [2, 3], count: 3 },
      { shape: [5], count: 9 },
    ],
    inputs: ({ shape, count }) => Array.from({ length: count }, (_, index) => floats(shape, 131 + index)),
    call: ({ count }) =>
      call(
        "addN",
        Array.from({ length: count }, (_, index) => x(index)),
      ),
    reference: (inputs) =>
      inputs.reduce<Tensor64>(
        (sum, input) => zipTensors(sum, input, (a, b) => a + b),
        mapTensor(first(inputs), () => 0),
      ),
    rule: "sum",
    scale: "magnitudes",
    terms: ({ count }) => count,
    linear: true,
  });
}

function matrixRows(): OpRow[] {
  return [
    row<{ readonly shape: Shape }>({
      op: "tf.diag",
      cases: [{ shape: [3] }, { shape: [2, 2] }],
      inputs: ({ shape }) => [floats(shape, 141)],
      call: () => call("diag", x(0)),
      reference: (inputs, { shape }) =>
        build([...shape, ...shape], (place) => {
          const [left, right] = [place.slice(0, shape.length), place.slice(shape.length)];
          const flat = left.reduce((index, at, axis) => index * (shape[axis] ?? 1) + at, 0);
          return left.join() === right.join() ? (first(inputs).data[flat] ?? 0) : 0;
        }),
      rule: "exact",
      gradients: [], // tfjs-core has none
    }),
    row<{ readonly count: number; readonly classes: number }>({
      op: "tf.math.confusionMatrix",
      cases: [{ count: 7, classes: 3 }],
      inputs: ({ count, classes }) => [integers([count], 0, classes, 142), integers([count], 0, classes, 143)],
      call: ({ classes }) => call("math.confusionMatrix", x(0), x(1), classes),
      reference: (inputs, { count, classes }) =>
        build([classes, classes], ([label, guess]) => {
          const hits = Array.from(
            { length: count },
            (_, index) => first(inputs).data[index] === label && second(inputs).data[index] === guess,
          );
          return hits.filter(Boolean).length;
        }),
      rule: "exact",
      dtype: () => "int32",
    }),
  ];
}

/** Types, ranges and small constructions. */
export function creationRows(): OpRow[] {
  return [
    castRow(),
    ...(["add", "sub", "mul"] as const).map(wideIntegerRow),
    ...rangeRows(),
    bitRow(),
    sumRow(),
    ...matrixRows(),
  ];
}
