import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels } from "@thaw/core";
import type { Commands } from "./commands.ts";
import type { Program } from "./program.ts";

type DenseKernel = "dense" | "denseInputGradient" | "denseKernelGradient";

const THREADS = 64;

/** A workgroup for each output, its threads along the inputs: there are few outputs and many inputs. */
const forward: Program<"x" | "kernel" | "bias", "y", "inputs" | "units"> = {
  name: "dense",
  reads: { x: "f32", kernel: "f32", bias: "f32" },
  writes: { y: "f32" },
  uniforms: { inputs: "u32", units: "u32" },
  wgsl: () => `
var<workgroup> owns: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  var sum = 0.0;
  for (var i = thread; i < u.inputs; i += ${THREADS}u) {
    sum += x[group.y * u.inputs + i] * kernel[i * u.units + group.x];
  }
  owns[thread] = sum;
  workgroupBarrier();
  if (thread > 0u) { return; }
  for (var i = 1u; i < ${THREADS}u; i++) { sum += owns[i]; }
  y[group.y * u.units + group.x] = sum + bias[group.x];
}`,
};

/** A thread for each input of each image. */
const inputGradient: Program<"dy" | "kernel", "dx", "inputs" | "units"> = {
  name: "denseInputGradient",
  reads: { dy: "f32", kernel: "f32" },
  writes: { dx: "f32" },
  uniforms: { inputs: "u32", units: "u32" },
  wgsl: () => `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= u.inputs) { return; }
  var sum = 0.0;
  for (var unit = 0u; unit < u.units; unit++) { sum += dy[id.y * u.units + unit] * kernel[id.x * u.units + unit]; }
  dx[id.y * u.inputs + id.x] = sum;
}`,
};

/** A thread for each weight. */
const kernelGradient: Program<"x" | "dy", "dKernel", "inputs" | "units" | "batch"> = {
  name: "denseKernelGradient",
  reads: { x: "f32", dy: "f32" },
  writes: { dKernel: "f32" },
  uniforms: { inputs: "u32", units: "u32", batch: "u32" },
  wgsl: () => `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= u.units) { return; }
  var sum = 0.0;
  for (var image = 0u; image < u.batch; image++) {
    sum += x[image * u.inputs + id.y] * dy[image * u.units + id.x];
  }
  dKernel[id.y * u.units + id.x] = sum;
}`,
};

/** The dense layer and its gradients. */
export function denseKernels(commands: Commands): Pick<Kernels<Tensor>, DenseKernel> {
  return {
    dense(x, kernel, bias) {
      const [batch = 0, inputs = 0] = x.shape;
      const units = bias.size;
      const y = commands.make([batch, units]);
      commands.run(forward, { x, kernel, bias }, { y }, { inputs, units }, [units, batch]);
      return y;
    },
    denseInputGradient(dy, kernel) {
      const [batch = 0, units = 0] = dy.shape;
      const [inputs = 0] = kernel.shape;
      const dx = commands.make([batch, inputs]);
      commands.run(inputGradient, { dy, kernel }, { dx }, { inputs, units }, [Math.ceil(inputs / THREADS), batch]);
      return dx;
    },
    denseKernelGradient(x, dy) {
      const [batch = 0, inputs = 0] = x.shape;
      const [, units = 0] = dy.shape;
      const dKernel = commands.make([inputs, units]);
      const groups = [Math.ceil(units / THREADS), inputs] as const;
      commands.run(kernelGradient, { x, dy }, { dKernel }, { inputs, units, batch }, groups);
      return dKernel;
    },
  };
}
