import { type Lane, type Program, variants } from "./program.ts";

/** Threads of a workgroup. */
export const DEPTHWISE_THREADS = 64;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** WGSL: loads the nine weights of a thread's channels. */
const weightsWgsl = (turned: boolean): string =>
  range(9)
    .map((tap) => `  let w${tap} = kernel[${turned ? 8 - tap : tap}u * u.lanes + lane];`)
    .join("\n");

/** WGSL: the position of a thread: lanes run fastest, then tiles along a row; then rows of tiles and images. */
const POSITION_WGSL = `
@compute @workgroup_size(${DEPTHWISE_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let left = id.x / u.lanes;
  let lane = id.x - left * u.lanes;
  let top = id.y;
  let image = id.z;`;

/** Output pixels of a thread, by stride: neighbours share most of their input. */
export const FORWARD_TILES = { 1: { height: 2, width: 4 }, 2: { height: 2, width: 2 } } as const;

const WINDOW_UNIFORMS = {
  lanes: "u32",
  height: "u32",
  width: "u32",
  outHeight: "u32",
  outWidth: "u32",
  padTop: "i32",
  padLeft: "i32",
} as const;

/**
 * Depthwise 3×3. Pixels off the image count as zeros: their index wraps or runs over, reading what it may, and the
 * value is dropped.
 * @param turned with the kernel turned by 180°: the input gradient of stride 1
 */
export const depthwiseForward: (lane: Lane, strides: 1 | 2, turned: boolean) => Program = variants(
  (lane, strides, turned) => {
    const tile = FORWARD_TILES[strides];
    const [inRows, inColumns] = [(tile.height - 1) * strides + 3, (tile.width - 1) * strides + 3];
    const rowOf = (row: number): string => {
      const loads = range(inColumns).map(
        (column) =>
          `    let x${column} = select(${lane}(), x[start + ${column}u * u.lanes], inside && u32(firstColumn + ${column}) < u.width);`,
      );
      const sums = range(tile.height).flatMap((y) => {
        const tap = row - y * strides;
        if (tap < 0 || tap > 2) return [];
        return range(tile.width).map((x) => {
          const terms = range(3).map((column) => `x${x * strides + column} * w${tap * 3 + column}`);
          return `    s${y}${x} += ${terms.join(" + ")};`;
        });
      });
      return `  {
    let y = firstRow + ${row};
    let inside = u32(y) < u.height;
    let start = u32((i32(image * u.height) + y) * i32(u.width) + firstColumn) * u.lanes + lane;
${[...loads, ...sums].join("\n")}
  }`;
    };
    return {
      name: `depthwise ${lane} stride ${strides}${turned ? " turned" : ""}`,
      reads: { x: lane, kernel: lane },
      writes: { y: lane },
      uniforms: WINDOW_UNIFORMS,
      wgsl: () => `${POSITION_WGSL}
  let outRow = top * ${tile.height}u;
  let outColumn = left * ${tile.width}u;
  if (outRow >= u.outHeight || outColumn >= u.outWidth) { return; }
${weightsWgsl(turned)}
  let firstRow = i32(outRow) * ${strides} - u.padTop;
  let firstColumn = i32(outColumn) * ${strides} - u.padLeft;
${range(tile.height)
  .flatMap((y) => range(tile.width).map((x) => `  var s${y}${x} = ${lane}();`))
  .join("\n")}
${range(inRows).map(rowOf).join("\n")}
  let place = ((image * u.outHeight + outRow) * u.outWidth + outColumn) * u.lanes + lane;
${range(tile.height)
  .flatMap((y) =>
    range(tile.width).map(
      (x) =>
        `  if (outRow + ${y}u < u.outHeight && outColumn + ${x}u < u.outWidth) { y[place + (${y}u * u.outWidth + ${x}u) * u.lanes] = s${y}${x}; }`,
    ),
  )
  .join("\n")}
}`,
    };
  },
);

/**
 * Input gradient of depthwise 3×3 with stride 2: a thread has 2 × 4 pixels of dx, the first on an even place of the
 * padded image, so that every pixel knows its taps without a test.
 */
export const depthwiseInputGradient2: (lane: Lane) => Program = variants((lane) => {
  // Pixel (even, even) meets taps 0 and 2 in both directions, (odd, odd) tap 1 alone.
  const taps = (offset: number): readonly (readonly [tap: number, step: number])[] =>
    offset % 2 === 0
      ? [
          [0, offset / 2],
          [2, offset / 2 - 1],
        ]
      : [[1, (offset - 1) / 2]];
  const sumOf = (y: number, x: number): string =>
    taps(y)
      .flatMap(([row, fromY]) => taps(x).map(([column, fromX]) => `g${fromY + 1}${fromX + 1} * w${row * 3 + column}`))
      .join(" + ");
  return {
    name: `depthwiseInputGradient ${lane} stride 2`,
    reads: { dy: lane, kernel: lane },
    writes: { dx: lane },
    uniforms: WINDOW_UNIFORMS,
    wgsl: () => `${POSITION_WGSL}
  let firstRow = i32(top * 2u) - u.padTop;
  let firstColumn = i32(left * 4u) - u.padLeft;
  if (firstRow >= i32(u.height) || firstColumn >= i32(u.width)) { return; }
${weightsWgsl(false)}
${range(2)
  .flatMap((y) =>
    range(3).map((x) => {
      const [row, column] = [`top + ${y}u - 1u`, `2u * left + ${x}u - 1u`];
      return `  let g${y}${x} = select(${lane}(), dy[((image * u.outHeight + ${row}) * u.outWidth + ${column}) * u.lanes + lane], ${row} < u.outHeight && ${column} < u.outWidth);`;
    }),
  )
  .join("\n")}
  let place = u32((i32(image * u.height) + firstRow) * i32(u.width) + firstColumn) * u.lanes + lane;
${range(2)
  .flatMap((y) =>
    range(4).map(
      (x) =>
        `  if (u32(firstRow + ${y}) < u.height && u32(firstColumn + ${x}) < u.width) { dx[place + (${y}u * u.width + ${x}u) * u.lanes] = ${sumOf(y, x)}; }`,
    ),
  )
  .join("\n")}
}`,
  };
});

/** Rows of dy that a thread of {@link depthwiseKernelGradient} goes along at once, by stride. */
export const GRADIENT_ROWS = { 1: 2, 2: 1 } as const;

/**
 * Kernel gradient of depthwise 3×3, in parts: `[parts, 9, channels]`. A thread goes along rows of dy with the input
 * columns that it needs again in registers.
 */
export const depthwiseKernelGradient: (lane: Lane, strides: 1 | 2) => Program = variants((lane, strides) => {
  const rows = GRADIENT_ROWS[strides];
  const inRows = (rows - 1) * strides + 3;
  const load = (row: number, column: number, offset: string): string =>
    `      x${row}${column} = select(${lane}(), x[start${row} + ${offset} * u.lanes], inside${row} && u32(first + i32(${offset})) < u.width);`;
  const shift = range(inRows).flatMap((row) =>
    strides === 1 ? [`      x${row}0 = x${row}1;`, `      x${row}1 = x${row}2;`] : [`      x${row}0 = x${row}2;`],
  );
  const fresh = strides === 1 ? [2] : [1, 2];
  const sums = range(9).map((tap) => {
    const terms = range(rows).map((y) => `g${y} * x${y * strides + Math.floor(tap / 3)}${tap % 3}`);
    return `      s${tap} += ${terms.join(" + ")};`;
  });
  return {
    name: `depthwiseKernelGradient ${lane} stride ${strides}`,
    reads: { x: lane, dy: lane },
    writes: { parts: lane },
    uniforms: { ...WINDOW_UNIFORMS, strips: "u32", part: "u32" },
    wgsl: () => `
@compute @workgroup_size(${DEPTHWISE_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let own = id.x / u.lanes;
  let lane = id.x - own * u.lanes;
  if (own * u.part >= u.strips) { return; }
${range(9)
  .map((tap) => `  var s${tap} = ${lane}();`)
  .join("\n")}
  let perImage = (u.outHeight + ${rows - 1}u) / ${rows}u;
  for (var strip = own * u.part; strip < min(u.strips, (own + 1u) * u.part); strip++) {
    let image = strip / perImage;
    let outRow = (strip - image * perImage) * ${rows}u;
    let first = -u.padLeft;
${range(inRows)
  .map(
    (row) => `    let y${row} = i32(outRow) * ${strides} - u.padTop + ${row};
    let inside${row} = u32(y${row}) < u.height;
    let start${row} = u32((i32(image * u.height) + y${row}) * i32(u.width) + first) * u.lanes + lane;
    var x${row}0 = ${lane}(); var x${row}1 = ${lane}(); var x${row}2 = ${lane}();`,
  )
  .join("\n")}
    {
${range(inRows)
  .flatMap((row) => (strides === 1 ? [load(row, 1, "0u"), load(row, 2, "1u")] : [load(row, 2, "0u")]))
  .join("\n")}
    }
    let below = outRow + 1u < u.outHeight;
    var at = (image * u.outHeight + outRow) * u.outWidth * u.lanes + lane;
    for (var column = 0u; column < u.outWidth; column++) {
${shift.join("\n")}
      let next = column * ${strides}u;
${range(inRows)
  .flatMap((row) => fresh.map((column) => load(row, column, `(next + ${column}u)`)))
  .join("\n")}
      let g0 = dy[at];
${rows === 2 ? `      let g1 = select(${lane}(), dy[at + u.outWidth * u.lanes], below);` : ""}
${sums.join("\n")}
      at += u.lanes;
    }
  }
${range(9)
  .map((tap) => `  parts[(own * 9u + ${tap}u) * u.lanes + lane] = s${tap};`)
  .join("\n")}
}`,
  };
});
