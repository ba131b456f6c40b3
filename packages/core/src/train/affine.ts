import { ThawError } from "../error.ts";
import type { DeviceTensor, FixedNorm } from "../kernels/kernels.ts";
import type { PassStep } from "../plan/pass.ts";
import type { PassContext } from "./forward.ts";

/** A layer that scales and shifts each channel by fixed numbers is a normalization by given statistics. */
function withNorm<T extends DeviceTensor, R>(
  { kernels, variables }: PassContext<T>,
  { layer: { name, op } }: PassStep,
  channels: number,
  use: (norm: FixedNorm<T>) => R,
): R {
  const uploaded: T[] = [];
  const vector = (value: number | readonly number[]): T => {
    const values = typeof value === "number" ? new Array<number>(channels).fill(value) : value;
    const tensor = kernels.upload(Float32Array.from(values), [channels]);
    uploaded.push(tensor);
    return tensor;
  };
  try {
    if (op.type === "Rescaling") {
      return use({
        gamma: vector(op.scale),
        beta: vector(op.offset),
        mean: vector(0),
        variance: vector(1),
        epsilon: 0,
      });
    }
    if (op.type !== "Normalization") throw new ThawError("internal", `"${name}" neither scales nor normalises.`);
    const [mean, variance] =
      op.given === undefined
        ? [variables.get(`${name}/mean`), variables.get(`${name}/variance`)]
        : [vector(op.given.mean), vector(op.given.variance)];
    return use({ gamma: vector(1), beta: vector(0), mean, variance, epsilon: 0 });
  } finally {
    for (const tensor of uploaded) kernels.dispose(tensor);
  }
}

/** Runs a Rescaling or a Normalization. */
export function runAffine<T extends DeviceTensor>(context: PassContext<T>, step: PassStep, x: T): T {
  return withNorm(context, step, x.shape.at(-1) ?? 0, ({ gamma, beta, mean, variance, epsilon }) =>
    context.kernels.batchNormInference(x, gamma, beta, mean, variance, epsilon),
  );
}

/** Gradient of the input of a Rescaling or a Normalization. */
export function affineGradient<T extends DeviceTensor>(context: PassContext<T>, step: PassStep, dy: T): T {
  const { kernels } = context;
  return withNorm(context, step, dy.shape.at(-1) ?? 0, ({ gamma, mean, variance, epsilon }) => {
    const needs = { input: true, weights: false };
    const { dx } = kernels.batchNormInferenceGradient(dy, undefined, gamma, mean, variance, epsilon, needs);
    if (dx === undefined) throw new ThawError("internal", `"${step.layer.name}" got no gradient.`);
    return dx;
  });
}
