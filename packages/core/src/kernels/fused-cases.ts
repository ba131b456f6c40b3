import { BATCH_NORM_EPSILON, BATCH_NORM_NEEDS, type BatchNormInput, batchNormInputs } from "./batch-norm-cases.ts";
import { caseData, input, type KernelCase, present } from "./kernel-cases.ts";
import type { DeviceTensor, FusedKernel, Kernels } from "./kernels.ts";

/** A fused kernel that the set under test must have. */
function fused<T extends DeviceTensor, N extends FusedKernel>(
  kernels: Kernels<T>,
  name: N,
): NonNullable<Kernels<T>[N]> {
  const kernel = kernels[name];
  if (kernel === undefined) throw new Error(`The kernel set has no ${name}.`);
  return kernel;
}

function casesOf({ name, shape, x }: BatchNormInput, seed: number, maxValue: number | null): KernelCase[] {
  const data = caseData(seed);
  const channels = [shape.at(-1) ?? 1];
  const gamma = data.uniform(channels, 1.5);
  const beta = data.uniform(channels, 2, maxValue === null ? 0 : maxValue / 2);
  const mean = data.uniform(channels, 2);
  const variance = data.between(channels, 0.01, 4);
  const dy = data.uniform(shape);
  const label = `${name} [${shape.join(", ")}], ${maxValue === null ? "ReLU" : `ReLU${maxValue}`}`;
  const gradients = BATCH_NORM_NEEDS.flatMap(([words, needs]): KernelCase[] => [
    {
      kernel: "batchNormTrainReluGradient",
      name: `${label}, ${words}`,
      inputs: [x, gamma, beta, dy],
      run(kernels, inputs) {
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        const forward = fused(kernels, "batchNormTrainRelu");
        const backward = fused(kernels, "batchNormTrainReluGradient");
        const { y, ...trained } = forward(xs, gammas, betas, BATCH_NORM_EPSILON, maxValue);
        const dys = input(inputs, 3);
        const result = backward(dys, xs, gammas, betas, trained, BATCH_NORM_EPSILON, maxValue, needs);
        for (const tensor of [y, trained.mean, trained.variance, ...trained.saved]) kernels.dispose(tensor);
        return present({ dx: result.dx, dGamma: result.dGamma, dBeta: result.dBeta });
      },
    },
    {
      kernel: "batchNormInferenceReluGradient",
      name: `${label}, ${words}`,
      // y is any output of a ReLU: a part cut off below, a part cut off above
      inputs: [x, gamma, mean, variance, dy, data.repeat(shape, [0, 1, maxValue ?? 7, 2.5, 0, 0.25, 5])],
      run(kernels, inputs) {
        const [xs, gammas, means, variances] = [input(inputs, 0), input(inputs, 1), input(inputs, 2), input(inputs, 3)];
        const [dys, ys] = [input(inputs, 4), input(inputs, 5)];
        const backward = fused(kernels, "batchNormInferenceReluGradient");
        const given = needs.weights ? xs : undefined;
        const result = backward(dys, ys, given, gammas, means, variances, BATCH_NORM_EPSILON, maxValue, needs);
        return present({ dx: result.dx, dGamma: result.dGamma, dBeta: result.dBeta });
      },
    },
  ]);
  return [
    {
      kernel: "batchNormTrainRelu",
      name: label,
      inputs: [x, gamma, beta],
      run(kernels, inputs) {
        const forward = fused(kernels, "batchNormTrainRelu");
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        const trained = forward(xs, gammas, betas, BATCH_NORM_EPSILON, maxValue);
        for (const tensor of trained.saved) kernels.dispose(tensor);
        return { y: trained.y, mean: trained.mean, variance: trained.variance };
      },
    },
    {
      kernel: "batchNormInferenceRelu",
      name: label,
      inputs: [x, gamma, beta, mean, variance],
      run(kernels, inputs) {
        const forward = fused(kernels, "batchNormInferenceRelu");
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        const [means, variances] = [input(inputs, 3), input(inputs, 4)];
        return { y: forward(xs, gammas, betas, means, variances, BATCH_NORM_EPSILON, maxValue) };
      },
    },
    ...gradients,
  ];
}

function movingCase({ name, shape }: BatchNormInput, seed: number): KernelCase {
  const data = caseData(seed);
  const channels = [shape.at(-1) ?? 1];
  return {
    kernel: "movingStatistics",
    name: `${name} [${shape.join(", ")}]`,
    inputs: [
      data.uniform(channels),
      data.between(channels, 0, 3),
      data.uniform(channels, 5),
      data.between(channels, 0, 9),
    ],
    run(kernels, inputs) {
      const moving = [input(inputs, 0), input(inputs, 1)] as const;
      const batch = [input(inputs, 2), input(inputs, 3)] as const;
      const [mean, variance] = fused(kernels, "movingStatistics")(moving, batch, 0.999);
      return { mean, variance };
    },
  };
}

/** The fused kernels, on the inputs of the plain ones; ReLU without a limit on a few of them. */
export function fusedCases(): KernelCase[] {
  const inputs = batchNormInputs();
  return [
    ...inputs.flatMap((entry, index) => casesOf(entry, 5000 + index, 6)),
    ...inputs.slice(0, 2).flatMap((entry, index) => casesOf(entry, 5100 + index, null)),
    ...inputs.map((entry, index) => movingCase(entry, 5200 + index)),
  ];
}
