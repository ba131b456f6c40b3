import { BATCH_NORM_EPSILON } from "./batch-norm-cases.ts";
import { type CaseInput, caseData, input, type KernelCase, present } from "./kernel-cases.ts";
import type { Window } from "./kernels.ts";

/** What the plain background of a photo becomes in each channel, repeated. */
const BACKGROUND = [0.37, -1.91, 5.3, 0.011];

type Shape = readonly [batch: number, height: number, width: number, channels: number];

/** A batch of photos in an early layer; few channels, and as many as there are threads on a CPU that emulates a GPU. */
const SHAPES: readonly Shape[] = [
  [4, 64, 64, 4],
  [8, 32, 32, 144],
];

/**
 * Values of photos on a plain background: most rows are the same. Rounding then errs the same way in every addition, so
 * that a sum in one long chain is off by K·u instead of √K·u.
 */
function photos(shape: Shape, seed: number): CaseInput {
  const [, height, width, channels] = shape;
  const noise = caseData(seed).uniform(shape, 1.5);
  if (!("values" in noise)) return noise;
  const values = Float32Array.from(noise.values, (value, index) => {
    const column = (Math.floor(index / channels) % width) / width;
    const row = (Math.floor(index / (channels * width)) % height) / height;
    const isObject = row > 0.3 && row < 0.7 && column > 0.2 && column < 0.8;
    const isBorder = row === 0 || column === 0; // where a convolution before it saw padding
    const background = BACKGROUND[index % BACKGROUND.length] ?? 0;
    return (isBorder ? 0.6 * background : background) + (isObject ? value : 0);
  });
  return { shape, values };
}

const WHOLE: Window = {
  strides: 1,
  padding: [
    [0, 0],
    [0, 0],
  ],
};
const PADDED: Window = {
  strides: 1,
  padding: [
    [1, 1],
    [1, 1],
  ],
};
const BOTH = { input: true, weights: true };

function casesOf(shape: Shape): KernelCase[] {
  const channels = shape[3];
  // Drawn when they are wanted: a suite is listed far more often than it is run.
  const x = (): CaseInput => photos(shape, 1);
  const dy = (): CaseInput => photos(shape, 2);
  const narrow = (): CaseInput => photos([shape[0], shape[1], shape[2], 4], 4);
  const data = caseData(3);
  const gamma = data.between([channels], 0.5, 1.5);
  const beta = data.uniform([channels]);
  const of = { name: `plain background [${shape.join(", ")}]`, equalTerms: true, large: true };
  return [
    {
      ...of,
      kernel: "batchNormTrain",
      get inputs() {
        return [x(), gamma, beta];
      },
      run(kernels, inputs) {
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        const { saved, ...trained } = kernels.batchNormTrain(xs, gammas, betas, BATCH_NORM_EPSILON);
        for (const tensor of saved) kernels.dispose(tensor);
        return { ...trained };
      },
    },
    {
      ...of,
      kernel: "batchNormTrainGradient",
      get inputs() {
        return [x(), gamma, beta, dy()];
      },
      run(kernels, inputs) {
        const [xs, gammas, betas] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        const { y, ...trained } = kernels.batchNormTrain(xs, gammas, betas, BATCH_NORM_EPSILON);
        const dys = input(inputs, 3);
        const gradients = kernels.batchNormTrainGradient(dys, xs, gammas, trained, BATCH_NORM_EPSILON, BOTH);
        for (const tensor of [y, trained.mean, trained.variance, ...trained.saved]) kernels.dispose(tensor);
        return present({ dx: gradients.dx, dGamma: gradients.dGamma, dBeta: gradients.dBeta });
      },
    },
    {
      ...of,
      kernel: "biasGradient",
      get inputs() {
        return [dy()];
      },
      run: (kernels, inputs) => ({ db: kernels.biasGradient(input(inputs, 0)) }),
    },
    {
      ...of,
      kernel: "globalAveragePool",
      get inputs() {
        return [x()];
      },
      run: (kernels, inputs) => ({ y: kernels.globalAveragePool(input(inputs, 0)) }),
    },
    {
      ...of,
      kernel: "conv2dKernelGradient",
      get inputs() {
        return [x(), narrow()];
      },
      run: (kernels, inputs) => ({
        dKernel: kernels.conv2dKernelGradient(input(inputs, 0), input(inputs, 1), [1, 1, channels, 4], WHOLE),
      }),
    },
    {
      ...of,
      kernel: "depthwiseConv2dKernelGradient",
      get inputs() {
        return [x(), dy()];
      },
      run: (kernels, inputs) => ({
        dKernel: kernels.depthwiseConv2dKernelGradient(input(inputs, 0), input(inputs, 1), [3, 3, channels, 1], PADDED),
      }),
    },
  ];
}

/** Sums over as many values as real batches have, most of them the same. */
export function longSumCases(): KernelCase[] {
  return SHAPES.flatMap(casesOf);
}
