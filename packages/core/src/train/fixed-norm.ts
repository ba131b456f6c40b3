import { ThawError } from "../error.ts";
import type { DeviceTensor, FixedNorm, FollowingRelu, Kernels } from "../kernels/kernels.ts";
import type { PassContext } from "./forward.ts";

/**
 * A batch normalization by given statistics.
 * @param index of its layer
 * @param statistics mean and variance, `[channels]` each; without them the layer's moving ones
 */
export function fixedNorm<T extends DeviceTensor>(
  { steps, variables }: Pick<PassContext<T>, "steps" | "variables">,
  index: number,
  statistics?: readonly T[],
): FixedNorm<T> {
  const layer = steps[index]?.layer;
  if (layer?.op.type !== "BatchNormalization") throw new ThawError("internal", `Layer ${index} is no BN.`);
  const weight = (name: string): T => variables.get(`${layer.name}/${name}`);
  const [mean, variance] = statistics ?? [weight("moving_mean"), weight("moving_variance")];
  if (mean === undefined || variance === undefined) {
    throw new ThawError("internal", `There are no statistics of "${layer.name}".`);
  }
  return { gamma: weight("gamma"), beta: weight("beta"), mean, variance, epsilon: layer.op.epsilon };
}

/** Normalises x, and cuts it off at the ReLU where there is one: in one kernel where the set has that. */
export function applyNorm<T extends DeviceTensor>(
  kernels: Kernels<T>,
  x: T,
  { gamma, beta, mean, variance, epsilon }: FixedNorm<T>,
  relu: FollowingRelu | undefined,
): T {
  if (relu !== undefined && kernels.batchNormInferenceRelu !== undefined) {
    return kernels.batchNormInferenceRelu(x, gamma, beta, mean, variance, epsilon, relu.maxValue);
  }
  const normalised = kernels.batchNormInference(x, gamma, beta, mean, variance, epsilon);
  if (relu === undefined) return normalised;
  const result = kernels.relu(normalised, relu.maxValue);
  kernels.dispose(normalised);
  return result;
}
