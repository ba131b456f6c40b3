import { distinct, floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, row } from "../op-row.ts";
import { at, atOr, build, eachPosition, type Tensor64 } from "../tensor64.ts";
import { axisWindow } from "../windows.ts";
import { first, second } from "./parametric.ts";
import { largest, mean } from "./pooling.ts";

/** A cube that moves through a volume. */
type Cube = {
  readonly shape: readonly number[];
  readonly filter: number;
  readonly strides: number;
  readonly pad: "same" | "valid";
};

const CUBES: readonly Cube[] = [
  { shape: [1, 3, 4, 3, 2], filter: 2, strides: 2, pad: "same" },
  { shape: [1, 3, 4, 3, 2], filter: 2, strides: 1, pad: "valid" },
  { shape: [2, 2, 3, 3, 1], filter: 3, strides: 1, pad: "same" },
  { shape: [1, 1, 1, 1, 1], filter: 1, strides: 1, pad: "valid" },
];

/** Calls back for each place of the cube with the positions in the volume that it covers. */
function overPlaces(
  input: Tensor64,
  { filter, strides, pad }: Cube,
  outChannels: number,
  compute: (cells: readonly (readonly number[])[], place: readonly number[]) => number,
): Tensor64 {
  const windows = [0, 1, 2].map((axis) => axisWindow(input.shape[axis + 1] ?? 0, filter, strides, 1, pad, axis));
  const offsets: number[][] = [];
  eachPosition([filter, filter, filter], (offset) => offsets.push([...offset]));
  return build([input.shape[0] ?? 0, ...windows.map(({ places }) => places), outChannels], (place) => {
    const start = windows.map(({ before }, axis) => (place[axis + 1] ?? 0) * strides - before);
    return compute(
      offsets.map((offset) => offset.map((step, axis) => step + (start[axis] ?? 0))),
      place,
    );
  });
}

function poolRow(op: "maxPool3d" | "avgPool3d"): OpRow {
  const average = op === "avgPool3d";
  return row<Cube>({
    op: `tf.${op}`,
    cases: CUBES,
    inputs: ({ shape }) => [distinct(shape, 52)],
    call: ({ filter, strides, pad }) => call(op, x(0), filter, strides, pad),
    reference: (inputs, p) =>
      overPlaces(first(inputs), p, p.shape.at(-1) ?? 0, (cells, [batch = 0, , , , channel = 0]) => {
        const all = cells.map((cell) => atOr(first(inputs), [batch, ...cell, channel], Number.NEGATIVE_INFINITY));
        const values = all.filter((value) => value !== Number.NEGATIVE_INFINITY);
        return average ? mean(values) : largest(values);
      }),
    rule: average ? "division" : "exact",
    ...(average ? { linear: true, scale: "magnitudes", terms: ({ filter }) => filter ** 3 } : {}),
  });
}

function convolutionRow(): OpRow {
  return row<Cube & { readonly out: number }>({
    op: "tf.conv3d",
    cases: CUBES.map((cube, index) => ({ ...cube, out: index + 1 })),
    inputs: ({ shape, filter, out }) => [
      floats(shape, 53),
      floats([filter, filter, filter, shape.at(-1) ?? 0, out], 54),
    ],
    call: ({ strides, pad }) => call("conv3d", x(0), x(1), strides, pad),
    reference: (inputs, p) =>
      overPlaces(first(inputs), p, p.out, (cells, [batch = 0, , , , out = 0]) => {
        let sum = 0;
        for (const [index, cell] of cells.entries()) {
          const tap = [Math.floor(index / p.filter ** 2), Math.floor(index / p.filter) % p.filter, index % p.filter];
          for (let channel = 0; channel < (p.shape.at(-1) ?? 0); channel += 1) {
            sum += atOr(first(inputs), [batch, ...cell, channel], 0) * at(second(inputs), [...tap, channel, out]);
          }
        }
        return sum;
      }),
    rule: "sum",
    scale: "magnitudes",
    terms: ({ filter, shape }) => filter ** 3 * (shape.at(-1) ?? 1),
    linear: true,
  });
}

/** Convolution and pooling of volumes. */
export function volumeRows(): OpRow[] {
  return [poolRow("maxPool3d"), poolRow("avgPool3d"), convolutionRow()];
}
