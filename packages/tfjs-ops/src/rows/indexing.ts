import { distinct, floats } from "../case-values.ts";
import { call, pick, x } from "../op-call.ts";
import { type CaseInput, type OpRow, row } from "../op-row.ts";
import { at, axesOf, build, InvalidCase } from "../tensor64.ts";
import { first, second } from "./parametric.ts";

type Shape = readonly number[];

/** Given whole numbers as an input. */
export function given(values: readonly number[], shape: Shape = [values.length]): CaseInput {
  return { shape, dtype: "int32", values };
}

function gatherRows(): OpRow[] {
  type Gather = { readonly shape: Shape; readonly indices: Shape; readonly axis: number };
  type GatherNd = { readonly shape: Shape; readonly indices: readonly Shape[] };
  return [
    row<Gather>({
      op: "tf.gather",
      cases: [
        { shape: [5], indices: [4, 0, 0, 2], axis: 0 },
        { shape: [3, 4], indices: [2, 2, 1], axis: 0 },
        { shape: [3, 4], indices: [3, 0], axis: 1 },
        { shape: [2, 3, 2], indices: [1], axis: 1 },
        { shape: [2, 3, 2], indices: [0, 1, 0], axis: -1 },
        { shape: [1], indices: [0, 0, 0], axis: 0 },
      ],
      inputs: ({ shape, indices }) => [floats(shape, 111), given(indices)],
      call: ({ axis }) => call("gather", x(0), x(1), axis),
      reference(inputs, { shape, axis }) {
        const [along = 0] = axesOf(shape.length, axis);
        const indices = second(inputs);
        return build(shape.with(along, indices.data.length), (place) =>
          at(first(inputs), place.with(along, indices.data[place[along] ?? -1] ?? -1)),
        );
      },
      rule: "exact",
      linear: true,
    }),
    row<GatherNd>({
      op: "tf.gatherND",
      cases: [
        { shape: [5], indices: [[4], [0], [0]] },
        {
          shape: [3, 4],
          indices: [
            [0, 1],
            [2, 3],
            [0, 1],
          ],
        },
        { shape: [3, 4], indices: [[2], [0]] },
        {
          shape: [2, 3, 2],
          indices: [
            [1, 2],
            [0, 0],
          ],
        },
        { shape: [2, 3, 2], indices: [[1, 2, 1]] },
      ],
      inputs: ({ shape, indices }) => [
        floats(shape, 112),
        given(indices.flat(), [indices.length, indices[0]?.length ?? 0]),
      ],
      call: () => call("gatherND", x(0), x(1)),
      reference(inputs, { shape, indices }) {
        const depth = indices[0]?.length ?? 0;
        return build([indices.length, ...shape.slice(depth)], ([index = 0, ...rest]) =>
          at(first(inputs), [...(indices[index] ?? []), ...rest]),
        );
      },
      rule: "exact",
      gradients: [],
    }),
  ];
}

function topkRow(part: "values" | "indices"): OpRow {
  type P = { readonly shape: Shape; readonly k: number };
  return row<P>({
    op: `tf.topk (${part})`,
    cases: [
      { shape: [5], k: 1 },
      { shape: [5], k: 3 },
      { shape: [2, 5], k: 5 },
      { shape: [2, 3, 4], k: 2 },
      { shape: [1], k: 1 },
      { shape: [2, 35], k: 4 },
      { shape: [100], k: 17 },
    ],
    inputs: ({ shape }) => [distinct(shape, 118)],
    call: ({ k }) => pick(part, call("topk", x(0), k)),
    reference(inputs, { shape, k }) {
      const length = shape.at(-1) ?? 0;
      if (k > length) throw new InvalidCase("k");
      return build(shape.with(-1, k), (place) => {
        const line = Array.from({ length }, (_, index) => [at(first(inputs), place.with(-1, index)), index] as const);
        const [value = Number.NaN, index = -1] = line.sort(([a], [b]) => b - a)[place.at(-1) ?? 0] ?? [];
        return part === "values" ? value : index;
      });
    },
    rule: "exact",
    dtype: () => (part === "values" ? "float32" : "int32"),
    gradients: [],
  });
}

function hotRow(): OpRow {
  type P = {
    readonly indices: Shape;
    readonly depth: number;
    readonly on: number;
    readonly off: number;
    readonly type: "float32" | "int32" | "bool";
  };
  return row<P>({
    op: "tf.oneHot",
    cases: [
      { indices: [0, 2, 1], depth: 3, on: 1, off: 0, type: "int32" },
      { indices: [0, 2, 1], depth: 3, on: 1, off: 0, type: "float32" },
      { indices: [1, 0], depth: 2, on: 5, off: -2, type: "float32" },
      { indices: [1, 0], depth: 2, on: 1, off: 0, type: "bool" },
      { indices: [4, -1, 1], depth: 3, on: 1, off: 0, type: "int32" },
    ],
    inputs: ({ indices }) => [given(indices)],
    call: ({ depth, on, off, type }) => call("oneHot", x(0), depth, on, off, type),
    reference: (_, { indices, depth, on, off }) =>
      build([indices.length, depth], ([row = 0, column = 0]) => (indices[row] === column ? on : off)),
    rule: "exact",
    dtype: ({ type }) => type,
  });
}

function searchRow(side: "left" | "right"): OpRow {
  return row<{ readonly length: number; readonly values: Shape }>({
    op: `tf.searchSorted (${side})`,
    cases: [
      { length: 5, values: [-1, 0, 2, 2.5, 9] },
      { length: 1, values: [0, 0.5] },
    ],
    inputs: ({ length, values }) => [
      { shape: [length], dtype: "float32", values: Array.from({ length }, (_, index) => index) },
      { shape: [values.length], dtype: "float32", values },
    ],
    call: () => call("searchSorted", x(0), x(1), side),
    reference: (inputs) => {
      const sorted = Array.from(first(inputs).data);
      return build(second(inputs).shape, ([index = 0]) => {
        const value = at(second(inputs), [index]);
        return sorted.filter((other) => (side === "left" ? other < value : other <= value)).length;
      });
    },
    rule: "exact",
    dtype: () => "int32",
    gradients: [],
  });
}

function uniqueRow(): OpRow {
  return row<{ readonly values: Shape }>({
    op: "tf.unique (values)",
    cases: [{ values: [1, 1, 2, 4, 4, 4, 7, 8, 8] }, { values: [3, -1, 3] }],
    inputs: ({ values }) => [{ shape: [values.length], dtype: "float32", values }],
    call: () => pick("values", call("unique", x(0))),
    reference(inputs) {
      const distinctValues = [...new Set(Array.from(first(inputs).data))];
      return { shape: [distinctValues.length], data: distinctValues };
    },
    rule: "exact",
    gradients: [],
  });
}

/** Reading by indices, and finding them. */
export function indexingRows(): OpRow[] {
  return [
    ...gatherRows(),
    topkRow("values"),
    topkRow("indices"),
    hotRow(),
    searchRow("left"),
    searchRow("right"),
    uniqueRow(),
  ];
}
