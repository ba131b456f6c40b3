import { distinct, floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, row } from "../op-row.ts";
import { at, atOr, build } from "../tensor64.ts";
import { axisWindow } from "../windows.ts";
import { moving } from "./layout.ts";
import { first, second } from "./parametric.ts";

type Shape = readonly number[];
type Pairs = readonly (readonly [number, number])[];

function batchRows(): OpRow[] {
  type P = { readonly shape: Shape; readonly block: Shape; readonly edges: Pairs };
  return [
    moving<P>(
      "spaceToBatchND",
      [
        {
          shape: [1, 4, 4, 1],
          block: [2, 2],
          edges: [
            [0, 0],
            [0, 0],
          ],
        },
        {
          shape: [2, 2, 4, 2],
          block: [2, 2],
          edges: [
            [0, 0],
            [2, 0],
          ],
        },
        {
          shape: [1, 3, 5, 1],
          block: [2, 3],
          edges: [
            [1, 0],
            [0, 1],
          ],
        },
        {
          shape: [1, 2, 2, 1],
          block: [1, 1],
          edges: [
            [0, 0],
            [0, 0],
          ],
        },
      ],
      ({ block, edges }) => [block, edges],
      (input, { shape, block, edges }) => {
        const [batch = 0, , , channels = 0] = shape;
        const [down = 1, along = 1] = block;
        const sizes = [0, 1].map(
          (axis) => ((shape[axis + 1] ?? 0) + (edges[axis]?.[0] ?? 0) + (edges[axis]?.[1] ?? 0)) / (block[axis] ?? 1),
        );
        return build([batch * down * along, ...sizes, channels], ([b = 0, r = 0, c = 0, k = 0]) => {
          const cell = Math.floor(b / batch);
          const [y, z] = [r * down + Math.floor(cell / along), c * along + (cell % along)];
          return atOr(input, [b % batch, y - (edges[0]?.[0] ?? 0), z - (edges[1]?.[0] ?? 0), k], 0);
        });
      },
    ),
    moving<P>(
      "batchToSpaceND",
      [
        {
          shape: [4, 2, 2, 1],
          block: [2, 2],
          edges: [
            [0, 0],
            [0, 0],
          ],
        },
        {
          shape: [8, 1, 3, 2],
          block: [2, 2],
          edges: [
            [0, 0],
            [2, 0],
          ],
        },
        {
          shape: [6, 2, 2, 1],
          block: [2, 3],
          edges: [
            [1, 0],
            [0, 1],
          ],
        },
      ],
      ({ block, edges }) => [block, edges],
      (input, { shape, block, edges }) => {
        const [cells = 0, height = 0, width = 0, channels = 0] = shape;
        const [down = 1, along = 1] = block;
        const batch = cells / (down * along);
        const [[top, bottom], [left, right]] = [edges[0] ?? [0, 0], edges[1] ?? [0, 0]];
        return build(
          [batch, height * down - top - bottom, width * along - left - right, channels],
          ([b = 0, r = 0, c = 0, k = 0]) => {
            const [y, z] = [r + top, c + left];
            const cell = (y % down) * along + (z % along);
            return at(input, [cell * batch + b, Math.floor(y / down), Math.floor(z / along), k]);
          },
        );
      },
    ),
    moving<{ readonly shape: Shape; readonly block: number }>(
      "depthToSpace",
      [
        { shape: [1, 1, 1, 4], block: 2 },
        { shape: [1, 2, 3, 8], block: 2 },
        { shape: [2, 1, 2, 9], block: 3 },
      ],
      ({ block }) => [block, "NHWC"],
      (input, { shape, block }) => {
        const [batch = 0, height = 0, width = 0, depth = 0] = shape;
        const channels = depth / block ** 2;
        return build([batch, height * block, width * block, channels], ([b = 0, r = 0, c = 0, k = 0]) =>
          at(input, [
            b,
            Math.floor(r / block),
            Math.floor(c / block),
            ((r % block) * block + (c % block)) * channels + k,
          ]),
        );
      },
      [],
    ),
  ];
}

/** Grey-scale dilation: the largest sum of image and filter. */
function dilationRow(): OpRow {
  type P = {
    readonly shape: Shape;
    readonly filter: readonly [number, number];
    readonly strides: number;
    readonly rate: number;
    readonly pad: "same" | "valid";
  };
  return row<P>({
    op: "tf.dilation2d",
    cases: [
      { shape: [1, 4, 5, 2], filter: [2, 2], strides: 1, rate: 1, pad: "valid" },
      { shape: [2, 4, 4, 1], filter: [3, 3], strides: 1, rate: 1, pad: "same" },
      { shape: [1, 5, 5, 1], filter: [2, 2], strides: 2, rate: 1, pad: "same" },
      { shape: [1, 5, 5, 1], filter: [2, 2], strides: 1, rate: 2, pad: "valid" },
      { shape: [1, 1, 1, 1], filter: [1, 1], strides: 1, rate: 1, pad: "valid" },
    ],
    inputs: ({ shape, filter }) => [distinct(shape, 121), floats([...filter, shape[3] ?? 1], 122, -0.04, 0.04)],
    call: ({ strides, rate, pad }) => call("dilation2d", x(0), x(1), strides, pad, rate),
    reference(inputs, { shape, filter, strides, rate, pad }) {
      const [batch = 0, height = 0, width = 0, channels = 0] = shape;
      const rows = axisWindow(height, filter[0], strides, rate, pad, 0);
      const columns = axisWindow(width, filter[1], strides, rate, pad, 1);
      return build([batch, rows.places, columns.places, channels], ([b = 0, r = 0, c = 0, k = 0]) => {
        let best = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < filter[0]; i += 1) {
          for (let j = 0; j < filter[1]; j += 1) {
            const place = [b, r * strides + i * rate - rows.before, c * strides + j * rate - columns.before, k];
            best = Math.max(best, atOr(first(inputs), place, Number.NEGATIVE_INFINITY) + at(second(inputs), [i, j, k]));
          }
        }
        return best;
      });
    },
    rule: "arithmetic",
  });
}

/** Blocks of an image into other axes, and morphology. */
export function blockRows(): OpRow[] {
  return [...batchRows(), dilationRow()];
}
