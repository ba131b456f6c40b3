import type { OpRow } from "../op-row.ts";
import { at, axesOf, build, reshaped, transposed } from "../tensor64.ts";
import { moving } from "./layout.ts";

type Shape = readonly number[];

/** Axes in another order, repeated, read from behind. */
export function orderRows(): OpRow[] {
  return [
    moving<{ readonly shape: Shape; readonly order: Shape }>(
      "transpose",
      [
        { shape: [3, 5], order: [1, 0] },
        { shape: [2, 3, 4], order: [2, 0, 1] },
        { shape: [2, 3, 4], order: [0, 2, 1] },
        { shape: [2, 3, 2, 3], order: [0, 3, 1, 2] },
        { shape: [2, 3, 2, 3], order: [3, 2, 1, 0] },
        { shape: [1, 2, 1, 3, 2], order: [4, 0, 3, 2, 1] },
        { shape: [17, 33], order: [1, 0] },
      ],
      ({ order }) => [order],
      (input, { order }) => transposed(input, order),
    ),
    moving<{ readonly shape: Shape; readonly axes: Shape }>(
      "reverse",
      [
        { shape: [7], axes: [0] },
        { shape: [3, 5], axes: [1] },
        { shape: [2, 3, 4], axes: [0, 2] },
        { shape: [2, 3, 2, 3], axes: [-1] },
        { shape: [1, 1], axes: [0, 1] },
      ],
      ({ axes }) => [axes],
      (input, { axes }) => {
        const flipped = axesOf(input.shape.length, axes);
        return build(input.shape, (place) =>
          at(
            input,
            place.map((index, axis) => (flipped.includes(axis) ? (input.shape[axis] ?? 1) - 1 - index : index)),
          ),
        );
      },
    ),
    moving<{ readonly shape: Shape; readonly reps: Shape }>(
      "tile",
      [
        { shape: [3], reps: [2] },
        { shape: [2, 3], reps: [1, 3] },
        { shape: [2, 1, 3], reps: [2, 2, 1] },
        { shape: [1, 2, 2, 2], reps: [1, 2, 1, 2] },
        { shape: [1], reps: [1] },
      ],
      ({ reps }) => [reps],
      (input, { reps }) =>
        build(
          input.shape.map((size, axis) => size * (reps[axis] ?? 1)),
          (place) =>
            at(
              input,
              place.map((index, axis) => index % (input.shape[axis] ?? 1)),
            ),
        ),
    ),
    moving<{ readonly shape: Shape; readonly to: Shape }>(
      "broadcastTo",
      [
        { shape: [3], to: [2, 3] },
        { shape: [2, 1], to: [2, 4] },
        { shape: [1, 1, 1], to: [2, 3, 2] },
      ],
      ({ to }) => [to],
      (input, { to }) => {
        const skip = to.length - input.shape.length;
        return build(to, (place) =>
          at(
            input,
            input.shape.map((size, axis) => (size === 1 ? 0 : (place[axis + skip] ?? 0))),
          ),
        );
      },
    ),
    moving<{ readonly shape: Shape; readonly to: Shape }>(
      "reshape",
      [
        { shape: [6], to: [2, 3] },
        { shape: [2, 3, 2], to: [4, 3] },
        { shape: [1], to: [] },
      ],
      ({ to }) => [to],
      (input, { to }) => reshaped(input, to),
    ),
  ];
}
