import { floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type CaseInput, type OpRow, row } from "../op-row.ts";
import { at, build, InvalidCase, type Tensor64 } from "../tensor64.ts";
import { given } from "./indexing.ts";
import { first, second } from "./parametric.ts";

type Shape = readonly number[];

function scatterRows(): OpRow[] {
  type P = { readonly indices: readonly Shape[]; readonly shape: Shape };
  const updateShape = ({ indices, shape }: P): Shape => [indices.length, ...shape.slice(indices[0]?.length ?? 0)];
  const flat = ({ indices }: P): CaseInput => given(indices.flat(), [indices.length, indices[0]?.length ?? 0]);
  const matches = (place: Shape, index: Shape): boolean => index.every((value, axis) => value === place[axis]);
  const cases: readonly P[] = [
    { indices: [[1], [3]], shape: [5] },
    {
      indices: [
        [0, 1],
        [2, 0],
      ],
      shape: [3, 2],
    },
    { indices: [[2], [0]], shape: [3, 2] },
    { indices: [[1, 0]], shape: [2, 2, 3] },
  ];
  return [
    row<P>({
      op: "tf.scatterND",
      cases: [...cases, { indices: [[1], [1], [3]], shape: [5] }, { indices: [[0], [0]], shape: [2, 3] }],
      inputs: (p) => [flat(p), floats(updateShape(p), 113)],
      call: ({ shape }) => call("scatterND", x(0), x(1), shape),
      reference: (inputs, { indices, shape }) =>
        build(shape, (place) =>
          indices.reduce(
            (sum, index, number) =>
              matches(place, index) ? sum + at(second(inputs), [number, ...place.slice(index.length)]) : sum,
            0,
          ),
        ),
      rule: "sum",
      scale: "magnitudes",
      terms: ({ indices }) => indices.length,
      gradients: [],
    }),
    row<P>({
      op: "tf.tensorScatterUpdate",
      cases,
      inputs: (p) => [floats(p.shape, 114), flat(p), floats(updateShape(p), 115)],
      call: () => call("tensorScatterUpdate", x(0), x(1), x(2)),
      reference: (inputs, { indices, shape }) =>
        build(shape, (place) => {
          const number = indices.findLastIndex((index) => matches(place, index));
          const index = indices[number];
          return index === undefined
            ? at(first(inputs), place)
            : at(second(inputs.slice(1)), [number, ...place.slice(index.length)]);
        }),
      rule: "exact",
      gradients: [],
    }),
    row<{ readonly indices: Shape; readonly size: number; readonly otherwise: number }>({
      op: "tf.sparseToDense",
      cases: [
        { indices: [0, 3], size: 5, otherwise: 0 },
        { indices: [1], size: 2, otherwise: -1 },
      ],
      inputs: ({ indices }) => [given(indices), floats([indices.length], 116)],
      call: ({ size, otherwise }) => call("sparseToDense", x(0), x(1), [size], otherwise),
      reference: (inputs, { indices, size, otherwise }) =>
        build([size], ([place = 0]) =>
          indices.includes(place) ? at(second(inputs), [indices.indexOf(place)]) : otherwise,
        ),
      rule: "exact",
      gradients: [],
    }),
  ];
}

function segmentRow(): OpRow {
  type P = { readonly shape: Shape; readonly segments: Shape; readonly count: number };
  return row<P>({
    op: "tf.unsortedSegmentSum",
    cases: [
      { shape: [5], segments: [0, 2, 0, 1, 2], count: 3 },
      { shape: [4, 3], segments: [1, 0, 1, 1], count: 2 },
      { shape: [3, 2], segments: [2, 2, 2], count: 4 },
      { shape: [1], segments: [0], count: 1 },
    ],
    inputs: ({ shape, segments }) => [floats(shape, 117), given(segments)],
    call: ({ count }) => call("unsortedSegmentSum", x(0), x(1), count),
    reference: (inputs, { shape, segments, count }) => {
      if (segments.length !== shape[0] || segments.some((segment) => segment >= count))
        throw new InvalidCase("segments");
      return build([count, ...shape.slice(1)], ([segment = 0, ...rest]) =>
        segments.reduce(
          (sum, owner, index) => (owner === segment ? sum + at(first(inputs), [index, ...rest]) : sum),
          0,
        ),
      );
    },
    rule: "sum",
    scale: "magnitudes",
    terms: ({ segments }) => segments.length,
    linear: true,
  });
}

function countRows(): OpRow[] {
  type Count = { readonly values: Shape; readonly size: number; readonly weighted: boolean };
  const count = (values: ArrayLike<number>, weights: Tensor64 | undefined, bin: number): number =>
    Array.from(values).reduce((sum, value, index) => (value === bin ? sum + (weights?.data[index] ?? 1) : sum), 0);
  const weightsOf = ({ values, weighted }: Count): CaseInput => floats(weighted ? [values.length] : [0], 119, 0, 2);
  const cases: readonly Count[] = [
    { values: [1, 1, 3, 0], size: 4, weighted: false },
    { values: [1, 1, 3, 0], size: 4, weighted: true },
    { values: [5, 1, 7], size: 3, weighted: false },
    { values: [0], size: 1, weighted: true },
  ];
  return [
    row<Count>({
      op: "tf.bincount",
      cases,
      inputs: (p) => [given(p.values), weightsOf(p)],
      call: ({ size }) => call("bincount", x(0), x(1), size),
      reference: (inputs, { size, weighted }) =>
        build([size], ([bin = 0]) => count(first(inputs).data, weighted ? second(inputs) : undefined, bin)),
      rule: "sum",
      scale: "magnitudes",
      terms: ({ values }) => values.length,
      gradients: [],
    }),
    row<Count & { readonly binary: boolean }>({
      op: "tf.denseBincount",
      cases: cases.map((entry, index) => ({ ...entry, binary: index % 2 === 0 })),
      inputs: (p) => [given(p.values), weightsOf(p)],
      call: ({ size, binary }) => call("denseBincount", x(0), x(1), size, binary),
      reference: (inputs, { size, weighted, binary }) =>
        build([size], ([bin = 0]) => {
          const sum = count(first(inputs).data, weighted && !binary ? second(inputs) : undefined, bin);
          return binary ? Number(sum > 0) : sum;
        }),
      rule: "sum",
      scale: "magnitudes",
      terms: ({ values }) => values.length,
      gradients: [],
    }),
  ];
}

/** Writing and counting by indices. */
export function scatteringRows(): OpRow[] {
  return [...scatterRows(), segmentRow(), ...countRows()];
}
