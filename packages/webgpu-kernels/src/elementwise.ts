import type { Tensor } from "@tensorflow/tfjs-core";
import type { FusedKernel, Kernels } from "@thaw/core";
import type { CommandStream } from "./command-stream.ts";
import { reads, type Shader, writes } from "./shader.ts";

type ElementwiseKernels = Pick<Kernels<Tensor>, "add" | "relu" | "reluGradient"> &
  Required<Pick<Kernels<Tensor>, Extract<FusedKernel, "movingStatistics">>>;

/** Fours that a thread computes, a workgroup's width apart. */
const FOURS = 4;
const WIDTH = 64;
const LARGEST_FLOAT = 3.4028234663852886e38;

function elementwise(key: string, inputs: readonly string[], value: string): Shader {
  return {
    key,
    bindings: [...inputs.map((name) => reads(name)), writes("y")],
    params: [
      ["size4", "u32"],
      ["limit", "f32"],
    ],
    workgroupSize: WIDTH,
    body: `
  let base = (id - lane) * ${FOURS}u + lane;
  for (var step = 0u; step < ${FOURS}u; step++) {
    let at = base + step * ${WIDTH}u;
    if (at < p.size4) { y[at] = ${value}; }
  }`,
  };
}

const ADD = elementwise("add", ["a", "b"], "a[at] + b[at]");
// The difference puts a NaN back that a clamp may swallow.
const RELU = elementwise("relu", ["x"], "clamp(x[at], vec4f(0), vec4f(p.limit)) + (x[at] - x[at])");
const RELU_GRADIENT = elementwise(
  "relu-gradient",
  ["dy", "z"],
  "select(vec4f(0), dy[at], (z[at] > vec4f(0)) & (z[at] < vec4f(p.limit)))",
);

const MOVING_STATISTICS: Shader = {
  key: "moving-statistics",
  bindings: [
    reads("moving_mean", "f32"),
    reads("moving_variance", "f32"),
    reads("mean", "f32"),
    reads("variance", "f32"),
    writes("mean_out", "f32"),
    writes("variance_out", "f32"),
  ],
  params: [
    ["size", "u32"],
    ["momentum", "f32"],
    ["rest", "f32"],
  ],
  workgroupSize: 64,
  body: `
  if (id >= p.size) { return; }
  mean_out[id] = moving_mean[id] * p.momentum + mean[id] * p.rest;
  variance_out[id] = moving_variance[id] * p.momentum + variance[id] * p.rest;`,
};

/** Element-wise kernels, four values at a time; sizes that are no multiple of 4 go to `plain`. */
export function elementwiseKernels(stream: CommandStream, plain: Kernels<Tensor>): ElementwiseKernels {
  function run(shader: Shader, inputs: readonly Tensor[], maxValue: number | null): Tensor {
    const [first] = inputs as readonly [Tensor, ...Tensor[]];
    const y = stream.output(first.shape);
    const params = [first.size / 4, maxValue ?? LARGEST_FLOAT];
    stream.run(shader, { tensors: [...inputs, y], params, threads: Math.ceil(first.size / 4 / FOURS) });
    return y;
  }
  const suits = (x: Tensor): boolean => x.size % 4 === 0;
  return {
    add: (a, b) => (suits(a) && a.size === b.size ? run(ADD, [a, b], null) : plain.add(a, b)),
    relu: (x, maxValue) => (suits(x) ? run(RELU, [x], maxValue) : plain.relu(x, maxValue)),
    reluGradient: (dy, y, maxValue) =>
      suits(dy) ? run(RELU_GRADIENT, [dy, y], maxValue) : plain.reluGradient(dy, y, maxValue),
    movingStatistics(moving, batch, momentum) {
      const { size, shape } = moving[0];
      const [mean, variance] = [stream.output(shape), stream.output(shape)];
      const tensors = [...moving, ...batch, mean, variance];
      stream.run(MOVING_STATISTICS, { tensors, params: [size, momentum, 1 - momentum], threads: size });
      return [mean, variance];
    },
  };
}
