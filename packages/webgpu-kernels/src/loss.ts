import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels } from "@thaw/core";
import type { Commands } from "./commands.ts";
import type { Program } from "./program.ts";

type LossKernel = "softmaxCrossEntropy" | "softmaxCrossEntropyGradient";

const THREADS = 64;

/**
 * A workgroup for each row. The largest logit becomes 0, so that no exponential overflows and the sum is at least 1; it
 * is found by comparisons, and a NaN that they pass over comes back with the sum. An infinite logit of a class that the
 * image is not makes the loss infinite too, as a product with a one-hot row would: it has to be reported.
 */
const crossEntropy: Program<"logits" | "labels", "probabilities" | "losses", "classes"> = {
  name: "softmaxCrossEntropy",
  reads: { logits: "f32", labels: "i32" },
  writes: { probabilities: "f32", losses: "f32" },
  uniforms: { classes: "u32" },
  wgsl: () => `
const LARGEST_FLOAT = 0x1.fffffep+127f;
var<workgroup> largest: array<f32, ${THREADS}>;
var<workgroup> sums: array<f32, ${THREADS}>;
var<workgroup> strays: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let start = group.x * u.classes;
  let end = start + u.classes;
  var most = logits[start];
  for (var i = start + thread; i < end; i += ${THREADS}u) { most = select(most, logits[i], logits[i] > most); }
  largest[thread] = most;
  workgroupBarrier();
  for (var i = 0u; i < ${THREADS}u; i++) { most = select(most, largest[i], largest[i] > most); }
  var sum = 0.0;
  var stray = 0.0;
  for (var i = start + thread; i < end; i += ${THREADS}u) {
    let exponential = exp(logits[i] - most);
    probabilities[i] = exponential;
    sum += exponential;
    stray = select(logits[i], stray, abs(logits[i]) <= LARGEST_FLOAT);
  }
  sums[thread] = sum;
  strays[thread] = stray;
  workgroupBarrier();
  var total = 0.0;
  stray = 0.0;
  for (var i = 0u; i < ${THREADS}u; i++) {
    total += sums[i];
    stray += strays[i];
  }
  for (var i = start + thread; i < end; i += ${THREADS}u) { probabilities[i] /= total; }
  if (thread == 0u) { losses[group.x] = log(total) - (logits[start + u32(labels[group.x])] - most) + stray; }
}`,
};

const crossEntropyGradient: Program<"probabilities" | "labels", "dLogits", "classes" | "batch"> = {
  name: "softmaxCrossEntropyGradient",
  reads: { probabilities: "f32", labels: "i32" },
  writes: { dLogits: "f32" },
  uniforms: { classes: "u32", batch: "u32" },
  wgsl: () => `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= u.classes) { return; }
  let i = id.y * u.classes + id.x;
  dLogits[i] = (probabilities[i] - select(0.0, 1.0, i32(id.x) == labels[id.y])) / f32(u.batch);
}`,
};

/** Softmax cross-entropy and its gradient, a dispatch each. */
export function lossKernels(commands: Commands): Pick<Kernels<Tensor>, LossKernel> {
  return {
    softmaxCrossEntropy(logits, labels) {
      const [batch = 0, classes = 0] = logits.shape;
      const outputs = { probabilities: commands.make(logits.shape), losses: commands.make([batch]) };
      commands.run(crossEntropy, { logits, labels }, outputs, { classes }, [batch]);
      return outputs;
    },
    softmaxCrossEntropyGradient(probabilities, labels) {
      const [batch = 0, classes = 0] = probabilities.shape;
      const dLogits = commands.make(probabilities.shape);
      const groups = [Math.ceil(classes / THREADS), batch] as const;
      commands.run(crossEntropyGradient, { probabilities, labels }, { dLogits }, { classes, batch }, groups);
      return dLogits;
    },
  };
}
