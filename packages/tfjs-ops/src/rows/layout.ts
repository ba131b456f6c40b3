import { floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, type Parameters, row } from "../op-row.ts";
import { at, atOr, build, type Tensor64 } from "../tensor64.ts";
import { first } from "./parametric.ts";

type Shape = readonly number[];
type Pairs = readonly (readonly [number, number])[];

/** A row that moves the values of one input. */
export function moving<P extends Parameters & { readonly shape: Shape }>(
  op: string,
  cases: readonly P[],
  argumentsOf: (p: P) => readonly Parameters[string][],
  reference: (input: Tensor64, p: P) => Tensor64,
  gradients?: readonly number[],
): OpRow {
  return row<P>({
    op: `tf.${op}`,
    cases,
    inputs: ({ shape }) => [floats(shape, 91)],
    call: (p) => call(op.split(" ")[0] ?? op, x(0), ...argumentsOf(p)),
    reference: (inputs, p) => reference(first(inputs), p),
    rule: "exact",
    linear: true,
    ...(gradients === undefined ? {} : { gradients }),
  });
}

function padRows(): OpRow[] {
  const mirror = (index: number, size: number, reflect: boolean): number => {
    const edge = reflect ? 0 : 1;
    const low = index < 0 ? -index - edge : index;
    return low >= size ? 2 * size - 2 - low + edge : low;
  };
  return [
    moving<{ readonly shape: Shape; readonly paddings: Pairs; readonly value: number }>(
      "pad",
      [
        { shape: [5], paddings: [[1, 2]], value: 0 },
        {
          shape: [2, 3],
          paddings: [
            [0, 0],
            [2, 1],
          ],
          value: 1.5,
        },
        {
          shape: [2, 3, 2],
          paddings: [
            [1, 0],
            [0, 1],
            [0, 0],
          ],
          value: 0,
        },
        {
          shape: [1, 3, 2, 2],
          paddings: [
            [0, 0],
            [0, 1],
            [0, 1],
            [0, 0],
          ],
          value: 0,
        },
        {
          shape: [1, 2, 2, 1],
          paddings: [
            [1, 1],
            [2, 0],
            [0, 2],
            [0, 3],
          ],
          value: -3,
        },
        { shape: [3], paddings: [[0, 0]], value: 0 },
      ],
      ({ paddings, value }) => [paddings, value],
      (input, { paddings, value }) =>
        build(
          input.shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0)),
          (place) =>
            atOr(
              input,
              place.map((index, axis) => index - (paddings[axis]?.[0] ?? 0)),
              value,
            ),
        ),
    ),
    ...(["reflect", "symmetric"] as const).map((mode) =>
      moving<{ readonly shape: Shape; readonly paddings: Pairs }>(
        `mirrorPad (${mode})`,
        [
          { shape: [5], paddings: [[2, 1]] },
          {
            shape: [3, 4],
            paddings: [
              [1, 0],
              [2, 3],
            ],
          },
          {
            shape: [2, 3, 2],
            paddings: [
              [0, 1],
              [1, 1],
              [0, 0],
            ],
          },
          {
            shape: [1, 3, 3, 1],
            paddings: [
              [0, 0],
              [1, 2],
              [2, 0],
              [0, 0],
            ],
          },
        ],
        ({ paddings }) => [paddings, mode],
        (input, { paddings }) =>
          build(
            input.shape.map((size, axis) => size + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0)),
            (place) =>
              at(
                input,
                place.map((index, axis) =>
                  mirror(index - (paddings[axis]?.[0] ?? 0), input.shape[axis] ?? 1, mode === "reflect"),
                ),
              ),
          ),
      ),
    ),
  ];
}

function sliceRows(): OpRow[] {
  return [
    moving<{ readonly shape: Shape; readonly begin: Shape; readonly size: Shape }>(
      "slice",
      [
        { shape: [7], begin: [2], size: [3] },
        { shape: [3, 5], begin: [1, 0], size: [2, -1] },
        { shape: [2, 3, 4], begin: [0, 1, 2], size: [1, 2, 2] },
        { shape: [2, 3, 4, 2], begin: [1, 0, 1, 1], size: [1, 3, 2, 1] },
        { shape: [1, 2, 2, 2, 2], begin: [0, 1, 0, 0, 1], size: [1, 1, 2, 1, 1] },
        { shape: [3], begin: [0], size: [3] },
      ],
      ({ begin, size }) => [begin, size],
      (input, { begin, size }) =>
        build(
          size.map((count, axis) => (count === -1 ? (input.shape[axis] ?? 0) - (begin[axis] ?? 0) : count)),
          (place) =>
            at(
              input,
              place.map((index, axis) => index + (begin[axis] ?? 0)),
            ),
        ),
    ),
    moving<{ readonly shape: Shape; readonly begin: Shape; readonly end: Shape; readonly strides: Shape }>(
      "stridedSlice",
      [
        { shape: [7], begin: [1], end: [6], strides: [2] },
        { shape: [7], begin: [6], end: [1], strides: [-2] },
        { shape: [3, 5], begin: [0, -3], end: [3, 5], strides: [2, 1] },
        { shape: [2, 3, 4], begin: [0, 2, 3], end: [2, 0, 0], strides: [1, -1, -2] },
        { shape: [2, 3, 4, 2], begin: [0, 0, 1, 0], end: [2, 3, 4, 2], strides: [1, 2, 2, 1] },
      ],
      ({ begin, end, strides }) => [begin, end, strides],
      (input, { begin, end, strides }) => {
        const from = begin.map((index, axis) => (index < 0 ? index + (input.shape[axis] ?? 0) : index));
        const to = end.map((index, axis) => (index < 0 ? index + (input.shape[axis] ?? 0) : index));
        const sizes = strides.map((step, axis) => Math.ceil(((to[axis] ?? 0) - (from[axis] ?? 0)) / step));
        return build(sizes, (place) =>
          at(
            input,
            place.map((index, axis) => (from[axis] ?? 0) + index * (strides[axis] ?? 1)),
          ),
        );
      },
      [],
    ),
  ];
}

/** Padding and slicing. */
export function layoutRows(): OpRow[] {
  return [...padRows(), ...sliceRows()];
}
