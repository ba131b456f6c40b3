import { floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, row } from "../op-row.ts";
import { at, build, InvalidCase, type Tensor64 } from "../tensor64.ts";
import { first, second } from "./parametric.ts";

type Sizes = {
  readonly shape: readonly number[];
  readonly size: readonly [number, number];
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
};

const MODES = [
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: true, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
] as const;

const SIZES: readonly Pick<Sizes, "shape" | "size">[] = [
  { shape: [1, 3, 4, 2], size: [6, 8] },
  { shape: [1, 4, 5, 1], size: [2, 3] },
  { shape: [2, 3, 3, 2], size: [5, 4] },
  { shape: [1, 1, 1, 3], size: [2, 3] },
  { shape: [1, 4, 4, 1], size: [1, 1] },
  { shape: [1, 3, 5, 1], size: [3, 5] },
  { shape: [1, 2, 7, 1], size: [7, 2] },
];

/** Step from one place of the result to the next, in places of the image. */
function stepOf(from: number, to: number, alignCorners: boolean): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

/** @see TensorFlow, ResizeBilinear: image_resizer_state.h */
function bilinear(input: Tensor64, { size, alignCorners, halfPixelCenters }: Sizes): Tensor64 {
  const [batch, height, width, channels] = imageSizes(input);
  const neighbours = (place: number, from: number, to: number): readonly [number, number, number] => {
    const step = stepOf(from, to, alignCorners);
    const source = halfPixelCenters ? (place + 0.5) * step - 0.5 : place * step;
    const low = Math.floor(source);
    return [Math.max(low, 0), Math.min(Math.ceil(source), from - 1), source - low];
  };
  return build([batch, ...size, channels], ([b = 0, r = 0, c = 0, k = 0]) => {
    const [top, bottom, down] = neighbours(r, height, size[0]);
    const [left, right, along] = neighbours(c, width, size[1]);
    const row = (y: number): number => at(input, [b, y, left, k]) * (1 - along) + at(input, [b, y, right, k]) * along;
    return row(top) * (1 - down) + row(bottom) * down;
  });
}

/** @see TensorFlow, ResizeNearestNeighbor: with halfPixelCenters the middle of a pixel decides, without its corner */
function nearest(input: Tensor64, { size, alignCorners, halfPixelCenters }: Sizes): Tensor64 {
  const [batch, height, width, channels] = imageSizes(input);
  const source = (place: number, from: number, to: number): number => {
    const exact = (halfPixelCenters ? place + 0.5 : place) * stepOf(from, to, alignCorners);
    return Math.min(alignCorners ? Math.round(exact) : Math.floor(exact), from - 1);
  };
  return build([batch, ...size, channels], ([b = 0, r = 0, c = 0, k = 0]) =>
    at(input, [b, source(r, height, size[0]), source(c, width, size[1]), k]),
  );
}

/** Sizes of an image, none of them nothing. */
function imageSizes({ shape }: Tensor64): readonly [number, number, number, number] {
  const [batch = 0, height = 0, width = 0, channels = 0] = shape;
  if (shape.length !== 4 || batch * height * width * channels === 0) throw new InvalidCase("no image");
  return [batch, height, width, channels];
}

function resizeRow(op: "resizeBilinear" | "resizeNearestNeighbor"): OpRow {
  const smooth = op === "resizeBilinear";
  return row<Sizes>({
    op: `tf.image.${op}`,
    cases: SIZES.flatMap((sizes) => MODES.map((mode) => ({ ...sizes, ...mode }))),
    inputs: ({ shape }) => [floats(shape, 81)],
    call: ({ size, alignCorners, halfPixelCenters }) => call(`image.${op}`, x(0), size, alignCorners, halfPixelCenters),
    reference: (inputs, p) => (smooth ? bilinear : nearest)(first(inputs), p),
    rule: smooth ? "interpolation" : "exact",
    ...(smooth ? { scale: "magnitudes" as const, terms: () => 4 } : {}),
    linear: true,
    // tfjs-core's gradients know nothing of halfPixelCenters, and say so nowhere: tested as they are offered.
  });
}

/** @see TensorFlow, CropAndResize */
function cropRow(): OpRow {
  type P = {
    readonly shape: readonly number[];
    readonly boxes: readonly (readonly number[])[];
    /** Image of each box. */
    readonly owners: readonly number[];
    readonly size: readonly [number, number];
    readonly method: "bilinear" | "nearest";
    readonly outside: number;
  };
  const whole = [0, 0, 1, 1] as const;
  return row<P>({
    op: "tf.image.cropAndResize",
    cases: (["bilinear", "nearest"] as const).flatMap((method): P[] => [
      { shape: [1, 4, 5, 2], boxes: [whole], owners: [0], size: [3, 3], method, outside: 0 },
      {
        shape: [2, 4, 4, 1],
        boxes: [
          [0.1, 0.2, 0.8, 0.9],
          [0.5, 0.5, 0.1, 0.2],
        ],
        owners: [1, 0],
        size: [3, 2],
        method,
        outside: 0,
      },
      { shape: [1, 3, 3, 1], boxes: [[-0.5, -0.5, 1.5, 1.5]], owners: [0], size: [4, 4], method, outside: 7 },
      { shape: [2, 5, 3, 1], boxes: [whole, [0.2, 0.2, 0.6, 0.6]], owners: [0, 1], size: [1, 1], method, outside: 0 },
      { shape: [3, 2, 2, 1], boxes: [whole], owners: [2], size: [2, 2], method, outside: 0 },
      {
        shape: [1, 2, 3, 1],
        boxes: [whole, [0, 0, 0.5, 0.5], whole],
        owners: [0, 0, 0],
        size: [2, 1],
        method,
        outside: 0,
      },
    ]),
    inputs: ({ shape, boxes, owners }) => [
      floats(shape, 82),
      { shape: [boxes.length, 4], dtype: "float32", values: boxes.flat().map(Math.fround) },
      { shape: [owners.length], dtype: "int32", values: owners },
    ],
    call: ({ size, method, outside }) => call("image.cropAndResize", x(0), x(1), x(2), size, method, outside),
    reference(inputs, { size, method, outside }) {
      const [image, boxes, owners] = [first(inputs), second(inputs), second(inputs.slice(1))];
      const [, height = 0, width = 0, channels = 0] = image.shape;
      return build([boxes.shape[0] ?? 0, ...size, channels], ([box = 0, r = 0, c = 0, k = 0]) => {
        const [y1, x1, y2, x2] = [0, 1, 2, 3].map((side) => at(boxes, [box, side])) as [number, number, number, number];
        const source = (place: number, count: number, from: number, to: number, length: number): number =>
          count > 1
            ? from * (length - 1) + (place * (to - from) * (length - 1)) / (count - 1)
            : 0.5 * (from + to) * (length - 1);
        const [y, z] = [source(r, size[0], y1, y2, height), source(c, size[1], x1, x2, width)];
        if (y < 0 || y > height - 1 || z < 0 || z > width - 1) return outside;
        const read = (row: number, column: number): number => at(image, [owners.data[box] ?? 0, row, column, k]);
        if (method === "nearest") return read(Math.round(y), Math.round(z));
        const [top, left] = [Math.floor(y), Math.floor(z)];
        const [bottom, right] = [Math.ceil(y), Math.ceil(z)];
        const row = (at: number): number => read(at, left) * (1 - (z - left)) + read(at, right) * (z - left);
        return row(top) * (1 - (y - top)) + row(bottom) * (y - top);
      });
    },
    rule: "interpolation",
    scale: () => ({ shape: [], data: new Float64Array(1000).fill(8) }),
    gradients: [],
  });
}

function flipRow(): OpRow {
  return row<{ readonly shape: readonly number[] }>({
    op: "tf.image.flipLeftRight",
    cases: [{ shape: [1, 2, 5, 3] }, { shape: [2, 1, 4, 1] }, { shape: [1, 1, 1, 1] }],
    inputs: ({ shape }) => [floats(shape, 84)],
    call: () => call("image.flipLeftRight", x(0)),
    reference: (inputs) =>
      build(first(inputs).shape, ([b = 0, r = 0, c = 0, k = 0]) =>
        at(first(inputs), [b, r, (first(inputs).shape[2] ?? 1) - 1 - c, k]),
      ),
    rule: "exact",
    gradients: [],
  });
}

/** Resizing and cropping of images. */
export function resizeRows(): OpRow[] {
  return [resizeRow("resizeBilinear"), resizeRow("resizeNearestNeighbor"), cropRow(), flipRow()];
}
