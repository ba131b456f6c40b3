import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels, Padding } from "@thaw/core";
import type { Commands } from "./commands.ts";
import { type Lane, lanesOf, variants } from "./program.ts";

type ImageKernel = "zeroPad" | "zeroPadGradient" | "globalAveragePool" | "globalAveragePoolGradient";

const THREADS = 64;

/** Pixels of a thread, beside each other. */
const MOVED_PIXELS = 8;

/** Copies images into larger or smaller ones; what comes from outside is zero. */
const moveImages = variants((lane: Lane) => ({
  name: `moveImages ${lane}`,
  reads: { x: lane },
  writes: { y: lane },
  uniforms: {
    lanes: "u32",
    height: "u32",
    width: "u32",
    outHeight: "u32",
    outWidth: "u32",
    top: "i32",
    left: "i32",
  } as const,
  wgsl: () => `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let place = id.x / u.lanes;
  let lane = id.x - place * u.lanes;
  let row = u32(i32(id.y) - u.top);
  let source = (id.z * u.height + row) * u.width;
  let first = (id.z * u.outHeight + id.y) * u.outWidth;
  let end = min(u.outWidth, (place + 1u) * ${MOVED_PIXELS}u);
  for (var outColumn = place * ${MOVED_PIXELS}u; outColumn < end; outColumn++) {
    let column = u32(i32(outColumn) - u.left);
    let inside = row < u.height && column < u.width;
    y[(first + outColumn) * u.lanes + lane] = select(${lane}(), x[(source + column) * u.lanes + lane], inside);
  }
}`,
}));

const averagePool = variants((lane: Lane) => ({
  name: `averagePool ${lane}`,
  reads: { x: lane },
  writes: { y: lane },
  uniforms: { lanes: "u32", pixels: "u32" } as const,
  wgsl: () => `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= u.lanes) { return; }
  let start = id.y * u.pixels * u.lanes + id.x;
  var sum = x[start];
  for (var pixel = 1u; pixel < u.pixels; pixel++) { sum += x[start + pixel * u.lanes]; }
  y[id.y * u.lanes + id.x] = sum / f32(u.pixels);
}`,
}));

const averagePoolGradient = variants((lane: Lane) => ({
  name: `averagePoolGradient ${lane}`,
  reads: { dy: lane },
  writes: { dx: lane },
  uniforms: { lanes: "u32", pixels: "u32" } as const,
  wgsl: () => `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= u.lanes) { return; }
  let share = dy[id.y * u.lanes + id.x] / f32(u.pixels);
  let start = id.y * u.pixels * u.lanes + id.x;
  for (var pixel = 0u; pixel < u.pixels; pixel++) { dx[start + pixel * u.lanes] = share; }
}`,
}));

/** Padding and global pooling. */
export function imageKernels(commands: Commands): Pick<Kernels<Tensor>, ImageKernel> {
  /** Moves images down by `top` and right by `left`, growing or shrinking the frame. */
  function move(x: Tensor, outHeight: number, outWidth: number, top: number, left: number): Tensor {
    const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
    const { lane, lanes } = lanesOf(channels);
    const y = commands.make([batch, outHeight, outWidth, channels]);
    const threads = Math.ceil(outWidth / MOVED_PIXELS) * lanes;
    const groups = [Math.ceil(threads / THREADS), outHeight, batch] as const;
    commands.run(moveImages(lane), { x }, { y }, { lanes, height, width, outHeight, outWidth, top, left }, groups);
    return y;
  }

  function grown([, height = 0, width = 0]: readonly number[], [rows, columns]: Padding, sign: 1 | -1) {
    return [height + sign * (rows[0] + rows[1]), width + sign * (columns[0] + columns[1])] as const;
  }

  return {
    zeroPad: (x, padding) => move(x, ...grown(x.shape, padding, 1), padding[0][0], padding[1][0]),
    zeroPadGradient: (dy, padding) => move(dy, ...grown(dy.shape, padding, -1), -padding[0][0], -padding[1][0]),

    globalAveragePool(x) {
      const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
      const { lane, lanes } = lanesOf(channels);
      const y = commands.make([batch, channels]);
      const groups = [Math.ceil(lanes / THREADS), batch] as const;
      commands.run(averagePool(lane), { x }, { y }, { lanes, pixels: height * width }, groups);
      return y;
    },

    globalAveragePoolGradient(dy, inputShape) {
      const [batch = 0, height = 0, width = 0, channels = 0] = inputShape;
      const { lane, lanes } = lanesOf(channels);
      const dx = commands.make(inputShape);
      const groups = [Math.ceil(lanes / THREADS), batch] as const;
      commands.run(averagePoolGradient(lane), { dy }, { dx }, { lanes, pixels: height * width }, groups);
      return dx;
    },
  };
}
