import { mobileNetV2 } from "../model/mobilenet-v2.ts";
import { type CaseInput, caseData, input, type KernelCase, present, spread } from "./kernel-cases.ts";
import type { GradientNeeds } from "./kernels.ts";

/** Keras's for MobileNetV2. */
export const BATCH_NORM_EPSILON = 1e-3;

/** An input of batch normalization. */
export interface BatchNormInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly x: CaseInput;
}

/** MobileNetV2's shapes and awkward ones. */
export function batchNormInputs(): BatchNormInput[] {
  const data = caseData(1);
  const { layers } = mobileNetV2({ alpha: 0.35, imageSize: 64 });
  const norms = layers.filter(({ op }) => op.type === "BatchNormalization");
  const distinct = [...new Map(norms.map((layer) => [layer.outputShape.join(), layer])).values()];
  const model = spread(distinct, 4).map(({ name, outputShape }): BatchNormInput => {
    const shape = [2, ...outputShape];
    return { name, shape, x: data.uniform(shape, 3, 0.5) };
  });
  const entry = (name: string, shape: readonly number[], x: CaseInput): BatchNormInput => ({ name, shape, x });
  return [
    ...model,
    entry("one value per channel", [1, 1, 1, 3], data.uniform([1, 1, 1, 3], 2)),
    entry("one channel", [2, 3, 5, 1], data.uniform([2, 3, 5, 1], 2)),
    entry("odd image", [3, 5, 7, 6], data.uniform([3, 5, 7, 6], 2)),
    entry("constant channels", [2, 4, 4, 3], data.repeat([2, 4, 4, 3], [0, 3.7, -1234.567])),
    entry("mean far above the deviation", [4, 8, 8, 3], data.uniform([4, 8, 8, 3], 0.1, 100)),
    entry("saturated ReLU6", [2, 6, 6, 4], data.repeat([2, 6, 6, 4], [0, 6, 0, 6, 6, 6, 0])),
    entry("values near the smallest normal", [2, 3, 3, 2], data.uniform([2, 3, 3, 2], 3e-38)),
  ];
}

/** Which gradients to ask for. */
export const BATCH_NORM_NEEDS: readonly (readonly [string, GradientNeeds])[] = [
  ["all gradients", { input: true, weights: true }],
  ["input gradient alone", { input: true, weights: false }],
  ["weight gradients alone", { input: false, weights: true }],
];

function casesOf({ name, shape, x }: BatchNormInput, seed: number): KernelCase[] {
  const data = caseData(seed);
  const channels = [shape.at(-1) ?? 1];
  const gamma = data.uniform(channels, 1.5);
  const beta = data.uniform(channels, 2);
  const mean = data.uniform(channels, 2);
  const variance = data.between(channels, 0.01, 4);
  const dy = data.uniform(shape);
  const label = `${name} [${shape.join(", ")}]`;

  const gradients = BATCH_NORM_NEEDS.flatMap(([words, needs]): KernelCase[] => [
    {
      kernel: "batchNormTrainGradient",
      name: `${label}, ${words}`,
      inputs: [x, gamma, beta, dy],
      run(kernels, inputs) {
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        const { y, ...trained } = kernels.batchNormTrain(xs, gammas, betas, BATCH_NORM_EPSILON);
        const result = kernels.batchNormTrainGradient(input(inputs, 3), xs, gammas, trained, BATCH_NORM_EPSILON, needs);
        for (const tensor of [y, trained.mean, trained.variance, ...trained.saved]) kernels.dispose(tensor);
        return present({ dx: result.dx, dGamma: result.dGamma, dBeta: result.dBeta });
      },
    },
    {
      kernel: "batchNormInferenceGradient",
      name: `${label}, ${words}`,
      inputs: [x, gamma, mean, variance, dy],
      run(kernels, inputs) {
        const [xs, gammas, means, variances] = [input(inputs, 0), input(inputs, 1), input(inputs, 2), input(inputs, 3)];
        const given = needs.weights ? xs : undefined;
        const result = kernels.batchNormInferenceGradient(
          input(inputs, 4),
          given,
          gammas,
          means,
          variances,
          BATCH_NORM_EPSILON,
          needs,
        );
        return present({ dx: result.dx, dGamma: result.dGamma, dBeta: result.dBeta });
      },
    },
  ]);

  return [
    {
      kernel: "batchNormTrain",
      name: label,
      inputs: [x, gamma, beta],
      run(kernels, inputs) {
        const trained = kernels.batchNormTrain(
          input(inputs, 0),
          input(inputs, 1),
          input(inputs, 2),
          BATCH_NORM_EPSILON,
        );
        for (const tensor of trained.saved) kernels.dispose(tensor);
        return { y: trained.y, mean: trained.mean, variance: trained.variance };
      },
    },
    {
      kernel: "batchNormInference",
      name: label,
      inputs: [x, gamma, beta, mean, variance],
      run(kernels, inputs) {
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        return {
          y: kernels.batchNormInference(xs, gammas, betas, input(inputs, 3), input(inputs, 4), BATCH_NORM_EPSILON),
        };
      },
    },
    {
      kernel: "movingAverage",
      name: label,
      inputs: [mean, variance],
      run: (kernels, inputs) => ({ moving: kernels.movingAverage(input(inputs, 0), input(inputs, 1), 0.999) }),
    },
    ...gradients,
  ];
}

/** Batch normalization in both modes, forward and backward, on MobileNetV2's shapes and awkward ones. */
export function batchNormCases(): KernelCase[] {
  return batchNormInputs().flatMap((entry, index) => casesOf(entry, 2000 + index));
}
