import { type Lane, type Program, variants } from "./program.ts";

/** Threads of a workgroup. */
export const SPATIAL_THREADS = 64;
/** Output pixels of a thread, side by side. */
export const SPATIAL_PIXELS = 8;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const WINDOW_UNIFORMS = {
  height: "u32",
  width: "u32",
  channels: "u32",
  outHeight: "u32",
  outWidth: "u32",
  lanes: "u32",
  kernelHeight: "u32",
  kernelWidth: "u32",
  strides: "i32",
  padTop: "i32",
  padLeft: "i32",
} as const;

/** Any convolution, meant for few input channels: a thread has eight pixels of two vectors of output channels. */
export const spatialConvolution: (lane: Lane) => Program = variants((lane) => ({
  name: `spatialConvolution ${lane}`,
  reads: { x: "f32", kernel: lane },
  writes: { y: lane },
  uniforms: WINDOW_UNIFORMS,
  wgsl: () => `
@compute @workgroup_size(${SPATIAL_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pairs = (u.lanes + 1u) / 2u;
  let place = id.x / pairs;
  let lane = (id.x - place * pairs) * 2u;
  let next = min(lane + 1u, u.lanes - 1u);
  let outColumn = place * ${SPATIAL_PIXELS}u;
  let outRow = id.y;
  let image = id.z;
  if (outColumn >= u.outWidth) { return; }
  let firstRow = i32(outRow) * u.strides - u.padTop;
  let firstColumn = i32(outColumn) * u.strides - u.padLeft;
${range(SPATIAL_PIXELS)
  .map((p) => `  var s${p}0 = ${lane}();\n  var s${p}1 = ${lane}();`)
  .join("\n")}
  for (var row = 0u; row < u.kernelHeight; row++) {
    let y = firstRow + i32(row);
    if (u32(y) >= u.height) { continue; }
    let start = (image * u.height + u32(y)) * u.width;
    for (var column = 0u; column < u.kernelWidth; column++) {
      var weight = (row * u.kernelWidth + column) * u.channels * u.lanes;
${range(SPATIAL_PIXELS)
  .map(
    (p) => `      let c${p} = u32(firstColumn + i32(column) + ${p} * u.strides);
      let inside${p} = c${p} < u.width;
      let i${p} = (start + c${p}) * u.channels;`,
  )
  .join("\n")}
      for (var channel = 0u; channel < u.channels; channel++) {
        let w0 = kernel[weight + lane];
        let w1 = kernel[weight + next];
${range(SPATIAL_PIXELS)
  .map(
    (p) => `        let x${p} = select(0.0, x[i${p} + channel], inside${p});
        s${p}0 += x${p} * w0;
        s${p}1 += x${p} * w1;`,
  )
  .join("\n")}
        weight += u.lanes;
      }
    }
  }
  let first = ((image * u.outHeight + outRow) * u.outWidth + outColumn) * u.lanes;
${range(SPATIAL_PIXELS)
  .map(
    (p) => `  if (outColumn + ${p}u < u.outWidth) {
    y[first + ${p}u * u.lanes + lane] = s${p}0;
    if (lane + 1u < u.lanes) { y[first + ${p}u * u.lanes + next] = s${p}1; }
  }`,
  )
  .join("\n")}
}`,
}));

/**
 * Parts of the kernel gradient of any convolution: `[parts, kernel]`. A thread has `taps` columns of one kernel row,
 * `depth` input channels and two vectors of output channels, and goes along rows of dy.
 */
export const spatialKernelGradient: (lane: Lane, taps: number, depth: number) => Program = variants(
  (lane, taps, depth) => {
    const all = range(taps).flatMap((tap) => range(depth).map((d) => [tap, d] as const));
    return {
      name: `spatialKernelGradient ${lane} of ${taps} × ${depth}`,
      reads: { x: "f32", dy: lane },
      writes: { parts: lane },
      uniforms: { ...WINDOW_UNIFORMS, strips: "u32", part: "u32" },
      wgsl: () => `
@compute @workgroup_size(${SPATIAL_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pairs = (u.lanes + 1u) / 2u;
  let depths = (u.channels + ${depth - 1}u) / ${depth}u;
  let columns = (u.kernelWidth + ${taps - 1}u) / ${taps}u;
  let lane = (id.x % pairs) * 2u;
  let next = min(lane + 1u, u.lanes - 1u);
  let channel = (id.x / pairs % depths) * ${depth}u;
  let kernelColumn = (id.x / pairs / depths % columns) * ${taps}u;
  let kernelRow = id.x / pairs / depths / columns;
  if (kernelRow >= u.kernelHeight) { return; }
${all.map(([tap, d]) => `  var s${tap}${d}0 = ${lane}();\n  var s${tap}${d}1 = ${lane}();`).join("\n")}
  for (var strip = id.y * u.part; strip < min(u.strips, (id.y + 1u) * u.part); strip++) {
    let image = strip / u.outHeight;
    let y = i32(strip - image * u.outHeight) * u.strides + i32(kernelRow) - u.padTop;
    if (u32(y) >= u.height) { continue; }
    let start = (image * u.height + u32(y)) * u.width;
    var at = strip * u.outWidth * u.lanes;
    var column = i32(kernelColumn) - u.padLeft;
    for (var outColumn = 0u; outColumn < u.outWidth; outColumn++) {
      let g0 = dy[at + lane];
      let g1 = dy[at + next];
${range(taps)
  .map(
    (tap) => `      let inside${tap} = u32(column + ${tap}) < u.width;
      let i${tap} = (start + u32(column + ${tap})) * u.channels + channel;
${range(depth)
  .map(
    (d) => `      let x${tap}${d} = select(0.0, x[i${tap} + ${d}u], inside${tap});
      s${tap}${d}0 += x${tap}${d} * g0;
      s${tap}${d}1 += x${tap}${d} * g1;`,
  )
  .join("\n")}`,
  )
  .join("\n")}
      at += u.lanes;
      column += u.strides;
    }
  }
  let first = ((id.y * u.kernelHeight + kernelRow) * u.kernelWidth + kernelColumn) * u.channels + channel;
${all
  .map(
    ([tap, d]) => `  if (kernelColumn + ${tap}u < u.kernelWidth && channel + ${d}u < u.channels) {
    let place = (first + ${tap}u * u.channels + ${d}u) * u.lanes;
    parts[place + lane] = s${tap}${d}0;
    if (lane + 1u < u.lanes) { parts[place + next] = s${tap}${d}1; }
  }`,
  )
  .join("\n")}
}`,
    };
  },
);
