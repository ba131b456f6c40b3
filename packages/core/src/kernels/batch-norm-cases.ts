import { type BatchNormInput, batchNormInputs } from "./batch-norm-inputs.ts";
import { type CaseInput, caseData, input, type KernelCase, kernelOf, present } from "./kernel-cases.ts";
import type { BatchNormGradients, BatchNormTrained, DeviceTensor, GradientNeeds, Kernels } from "./kernels.ts";

/** Keras's for MobileNetV2. */
export const BATCH_NORM_EPSILON = 1e-3;

/** A batch normalization alone (null), or in one kernel with the ReLU behind it. */
type Activation = { readonly maxValue: number | null } | null;

/** The four stages of a batch normalization, called alike with and without an activation. */
interface Stages<T extends DeviceTensor> {
  train(x: T, gamma: T, beta: T): BatchNormTrained<T>;
  trainGradient(
    dy: T,
    x: T,
    gamma: T,
    beta: T,
    trained: Omit<BatchNormTrained<T>, "y">,
    needs: GradientNeeds,
  ): BatchNormGradients<T>;
  inference(x: T, gamma: T, beta: T, mean: T, variance: T): T;
  /** `y` only with an activation. */
  inferenceGradient(
    dy: T,
    y: T | undefined,
    x: T | undefined,
    gamma: T,
    mean: T,
    variance: T,
    needs: GradientNeeds,
  ): BatchNormGradients<T>;
}

function stagesOf<T extends DeviceTensor>(kernels: Kernels<T>, activation: Activation): Stages<T> {
  if (activation === null) {
    return {
      train: (x, gamma, beta) => kernels.batchNormTrain(x, gamma, beta, BATCH_NORM_EPSILON),
      trainGradient: (dy, x, gamma, _, trained, needs) =>
        kernels.batchNormTrainGradient(dy, x, gamma, trained, BATCH_NORM_EPSILON, needs),
      inference: (x, gamma, beta, mean, variance) =>
        kernels.batchNormInference(x, gamma, beta, mean, variance, BATCH_NORM_EPSILON),
      inferenceGradient: (dy, _, x, gamma, mean, variance, needs) =>
        kernels.batchNormInferenceGradient(dy, x, gamma, mean, variance, BATCH_NORM_EPSILON, needs),
    };
  }
  const { maxValue } = activation;
  return {
    train: (x, gamma, beta) => kernelOf(kernels, "batchNormTrainRelu")(x, gamma, beta, BATCH_NORM_EPSILON, maxValue),
    trainGradient: (dy, x, gamma, beta, trained, needs) =>
      kernelOf(kernels, "batchNormTrainReluGradient")(dy, x, gamma, beta, trained, BATCH_NORM_EPSILON, maxValue, needs),
    inference: (x, gamma, beta, mean, variance) =>
      kernelOf(kernels, "batchNormInferenceRelu")(x, gamma, beta, mean, variance, BATCH_NORM_EPSILON, maxValue),
    inferenceGradient: (dy, y, x, gamma, mean, variance, needs) => {
      if (y === undefined) throw new Error("A fused gradient wants y.");
      return kernelOf(kernels, "batchNormInferenceReluGradient")(
        dy,
        y,
        x,
        gamma,
        mean,
        variance,
        BATCH_NORM_EPSILON,
        maxValue,
        needs,
      );
    },
  };
}

const NEEDS: readonly (readonly [string, GradientNeeds])[] = [
  ["all gradients", { input: true, weights: true }],
  ["input gradient alone", { input: true, weights: false }],
  ["weight gradients alone", { input: false, weights: true }],
];

function labelOf({ name, shape }: BatchNormInput, activation: Activation): string {
  const label = `${name} [${shape.join(", ")}]`;
  return activation === null ? label : `${label}, ReLU${activation.maxValue ?? ""}`;
}

/** Both modes of one batch normalization, forward and backward. */
function casesOf(entry: BatchNormInput, seed: number, activation: Activation): KernelCase[] {
  const { shape, x, fromModel: large = false } = entry;
  const channels = [shape.at(-1) ?? 1];
  const data = caseData(seed);
  const given = (values: readonly number[] | undefined, random: CaseInput): CaseInput =>
    values === undefined ? random : data.repeat(channels, values);
  const gamma = given(entry.gamma, data.uniform(channels, 1.5));
  const beta = given(entry.beta, data.uniform(channels, 2, (activation?.maxValue ?? 0) / 2));
  const mean = given(entry.mean, data.uniform(channels, 2));
  const variance = data.between(channels, 0.01, 4);
  const dy = (): CaseInput => caseData(seed + 7).uniform(shape);
  // Any output of a ReLU: a part cut off below, a part cut off above.
  const y = (): CaseInput[] =>
    activation === null ? [] : [data.repeat(shape, [0, 1, activation.maxValue ?? 7, 2.5, 0, 0.25, 5])];
  const label = labelOf(entry, activation);
  const relu = activation === null ? "" : "Relu";

  const gradients = NEEDS.slice(0, entry.partly ? 3 : 1).flatMap(([words, needs]): KernelCase[] => [
    {
      kernel: `batchNormTrain${relu}Gradient`,
      name: `${label}, ${words}`,
      large,
      get inputs() {
        return [x(), gamma, beta, dy()];
      },
      run(kernels, inputs) {
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        const { train, trainGradient } = stagesOf(kernels, activation);
        const { y, ...trained } = train(xs, gammas, betas);
        const { dx, dGamma, dBeta } = trainGradient(input(inputs, 3), xs, gammas, betas, trained, needs);
        for (const tensor of [y, trained.mean, trained.variance, ...trained.saved]) kernels.dispose(tensor);
        return present({ dx, dGamma, dBeta });
      },
    },
    {
      kernel: `batchNormInference${relu}Gradient`,
      name: `${label}, ${words}`,
      large,
      get inputs() {
        return [x(), gamma, mean, variance, dy(), ...y()];
      },
      run(kernels, inputs) {
        const [xs, gammas, means, variances] = [input(inputs, 0), input(inputs, 1), input(inputs, 2), input(inputs, 3)];
        const { inferenceGradient } = stagesOf(kernels, activation);
        const seen = needs.weights ? xs : undefined;
        const gradients = inferenceGradient(input(inputs, 4), inputs[5], seen, gammas, means, variances, needs);
        return present({ dx: gradients.dx, dGamma: gradients.dGamma, dBeta: gradients.dBeta });
      },
    },
  ]);
  return [
    {
      kernel: `batchNormTrain${relu}`,
      name: label,
      large,
      get inputs() {
        return [x(), gamma, beta];
      },
      run(kernels, inputs) {
        const trained = stagesOf(kernels, activation).train(input(inputs, 0), input(inputs, 1), input(inputs, 2));
        for (const tensor of trained.saved) kernels.dispose(tensor);
        return { y: trained.y, mean: trained.mean, variance: trained.variance };
      },
    },
    {
      kernel: `batchNormInference${relu}`,
      name: label,
      large,
      get inputs() {
        return [x(), gamma, beta, mean, variance];
      },
      run(kernels, inputs) {
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        return { y: stagesOf(kernels, activation).inference(xs, gammas, betas, input(inputs, 3), input(inputs, 4)) };
      },
    },
    ...gradients,
  ];
}

/** The update of moving statistics, of one and of both at once. */
function movingCases(entry: BatchNormInput, seed: number): KernelCase[] {
  const data = caseData(seed);
  const channels = [entry.shape.at(-1) ?? 1];
  const [means, variances] = [data.uniform(channels, 5), data.between(channels, 0, 9)];
  const [oldMeans, oldVariances] = [data.uniform(channels), data.between(channels, 0, 3)];
  const name = labelOf(entry, null);
  return [
    {
      kernel: "movingAverage",
      name,
      inputs: [oldMeans, means],
      run: (kernels, inputs) => ({ moving: kernels.movingAverage(input(inputs, 0), input(inputs, 1), 0.999) }),
    },
    {
      kernel: "movingStatistics",
      name,
      // Two layers of different sizes: one result must not end up in the other's place.
      inputs: [
        oldMeans,
        oldVariances,
        means,
        variances,
        ...[1, 2, 3, 4].map((seed) => caseData(seed).between([3], 0, 2)),
      ],
      run(kernels, inputs) {
        const pair = (first: number) => [input(inputs, first), input(inputs, first + 1)] as const;
        const layers = [0, 4].map((first) => ({ moving: pair(first), batch: pair(first + 2) }));
        const [one, two] = kernelOf(kernels, "movingStatistics")(layers, 0.999);
        return present({ mean: one?.[0], variance: one?.[1], secondMean: two?.[0], secondVariance: two?.[1] });
      },
    },
  ];
}

/** Batch normalization in both modes, alone and with a ReLU, forward and backward, and its moving statistics. */
export function batchNormCases(): KernelCase[] {
  const inputs = batchNormInputs();
  const awkward = inputs.filter(({ fromModel }) => !fromModel);
  return [
    ...inputs.flatMap((entry, index) => casesOf(entry, 2000 + index, null)),
    ...inputs.flatMap((entry, index) => casesOf(entry, 5000 + index, { maxValue: 6 })),
    ...awkward.slice(0, 3).flatMap((entry, index) => casesOf(entry, 5100 + index, { maxValue: null })),
    ...awkward.flatMap((entry, index) => movingCases(entry, 5200 + index)),
  ];
}
