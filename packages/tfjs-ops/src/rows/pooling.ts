import { distinct } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, row } from "../op-row.ts";
import { atOr, build, InvalidCase, type Tensor64 } from "../tensor64.ts";
import { axisWindow, type Pad, padArgument } from "../windows.ts";
import { first } from "./parametric.ts";

type Sizes = {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filter: readonly [number, number];
  readonly strides: number;
  readonly pad: Pad;
};

const BASE: Sizes = { batch: 1, height: 5, width: 6, channels: 2, filter: [2, 2], strides: 2, pad: "same" };

const SIZES: readonly Sizes[] = [
  BASE,
  { ...BASE, pad: "valid" },
  { ...BASE, strides: 1 },
  { ...BASE, strides: 1, pad: "valid" },
  { ...BASE, filter: [3, 3], strides: 1 },
  { ...BASE, filter: [3, 3] },
  { ...BASE, filter: [3, 2], strides: 3, pad: "valid" },
  { ...BASE, filter: [3, 3], pad: 1 },
  {
    ...BASE,
    filter: [3, 3],
    pad: [
      [1, 0],
      [0, 1],
    ],
  },
  { ...BASE, filter: [1, 1], strides: 1 },
  { ...BASE, filter: [1, 1], strides: 2 },
  { ...BASE, filter: [5, 6], strides: 1, pad: "valid" },
  { ...BASE, batch: 2, height: 1, width: 1, channels: 1, filter: [1, 1], strides: 1 },
  { ...BASE, height: 1, width: 1, filter: [3, 3], strides: 1 },
  { ...BASE, batch: 2, height: 4, width: 3, channels: 5, filter: [2, 3], strides: 1 },
  { ...BASE, height: 7, width: 7, channels: 1, filter: [7, 7], strides: 7, pad: "valid" },
];

/** Pools what is inside of the image; zeros of the padding count for neither. */
function pool(
  input: Tensor64,
  { filter, strides, pad }: Sizes,
  compute: (values: readonly number[]) => number,
): Tensor64 {
  const [batch = 0, height = 0, width = 0, channels = 0] = input.shape;
  const rows = axisWindow(height, filter[0], strides, 1, pad, 0);
  const columns = axisWindow(width, filter[1], strides, 1, pad, 1);
  return build([batch, rows.places, columns.places, channels], ([b = 0, r = 0, c = 0, k = 0]) => {
    const values: number[] = [];
    for (let i = 0; i < filter[0]; i += 1) {
      for (let j = 0; j < filter[1]; j += 1) {
        const place = [b, r * strides + i - rows.before, c * strides + j - columns.before, k];
        const value = atOr(input, place, Number.NEGATIVE_INFINITY);
        if (value !== Number.NEGATIVE_INFINITY) values.push(value);
      }
    }
    if (values.length === 0) throw new InvalidCase("a window over nothing but padding");
    return compute(values);
  });
}

export const largest = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function poolRow(op: "maxPool" | "avgPool"): OpRow {
  const average = op === "avgPool";
  return row<Sizes>({
    op: `tf.${op}`,
    cases: SIZES,
    inputs: ({ batch, height, width, channels }) => [distinct([batch, height, width, channels], 51)],
    call: ({ filter, strides, pad }) => call(op, x(0), filter, strides, padArgument(pad)),
    reference: (inputs, p) => pool(first(inputs), p, average ? mean : largest),
    rule: average ? "division" : "exact",
    ...(average ? { linear: true, scale: "magnitudes", terms: ({ filter }) => filter[0] * filter[1] } : {}),
  });
}

/** Pooling. */
export function poolingRows(): OpRow[] {
  return [poolRow("maxPool"), poolRow("avgPool")];
}
