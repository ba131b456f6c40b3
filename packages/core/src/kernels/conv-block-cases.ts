import { awkwardConvolutions, type ConvolutionCase, outputShape } from "./convolution-cases.ts";
import { type CaseInput, caseData, input, type KernelCase, kernelOf, present } from "./kernel-cases.ts";
import type { DeferredNorm, DeviceTensor, FollowingRelu, GradientNeeds } from "./kernels.ts";
import { modelShapes } from "./model-shapes.ts";
import { isPointwise } from "./window.ts";

const EPSILON = 1e-3;
const RELUS: readonly (FollowingRelu | undefined)[] = [{ maxValue: 6 }, undefined, { maxValue: null }];

/** What a case is about, beside its shape. */
interface Variant {
  readonly words: string;
  /** Whether the input is normalised while it is read. */
  readonly norm: boolean;
  /** Whether the gradient comes back through a normalization. */
  readonly behind: boolean;
  readonly needs: GradientNeeds;
}

const ALL: GradientNeeds = { input: true, weights: true };
const VARIANTS: readonly Variant[] = [
  { words: "through both normalizations", norm: true, behind: true, needs: ALL },
  { words: "through the normalization below", norm: true, behind: false, needs: ALL },
  { words: "through the normalization above", norm: false, behind: true, needs: ALL },
  { words: "through none", norm: false, behind: false, needs: ALL },
];
const PARTS: readonly Variant[] = [
  { words: "input gradient alone", norm: true, behind: true, needs: { input: true, weights: false } },
  { words: "kernel gradient alone", norm: true, behind: true, needs: { input: false, weights: true } },
  { words: "input gradient without an input", norm: false, behind: false, needs: { input: true, weights: false } },
];

/** gamma, beta, mean and variance of a normalization of values about as large as `magnitude`. */
function normInputs(channels: number, seed: number, magnitude: number): CaseInput[] {
  const data = caseData(seed);
  const shape = [channels];
  const weights = [data.between(shape, 0.5, 1.5), data.uniform(shape, 1, 0.5), data.uniform(shape, magnitude)];
  return [...weights, data.between(shape, 0.1, 2)];
}

function normFrom<T extends DeviceTensor>(
  inputs: readonly T[],
  first: number,
  relu: FollowingRelu | undefined,
): DeferredNorm<T> {
  const [gamma, beta] = [input(inputs, first), input(inputs, first + 1)];
  return { gamma, beta, mean: input(inputs, first + 2), variance: input(inputs, first + 3), epsilon: EPSILON, relu };
}

function casesOf(shape: ConvolutionCase, seed: number): KernelCase[] {
  const { depthwise, inputShape, kernelShape, window, magnitude = 1, values, large = false } = shape;
  const name = `${shape.name} [${inputShape.join(", ")}]`;
  const channels = inputShape[3];
  const output = outputShape(shape);
  const filters = output[3] ?? 1;
  const relu = RELUS[seed % RELUS.length];
  const reluBehind = RELUS[(seed + 1) % RELUS.length];
  const draw = caseData(11 * seed);
  const x = (): CaseInput =>
    values === undefined ? caseData(3 * seed).uniform(inputShape, magnitude) : draw.repeat(inputShape, values);
  const kernel = (): CaseInput => caseData(3 * seed + 1).uniform(kernelShape, magnitude);
  const norm = (): CaseInput[] => normInputs(channels, 7 * seed, magnitude);
  const kind = depthwise ? "depthwiseConv2d" : "conv2d";

  const statistics = [true, false].map(
    (normalised): KernelCase => ({
      kernel: `${kind}Statistics`,
      name: `${name}, ${normalised ? "of normalised values" : "of values as they are"}`,
      large,
      get inputs() {
        return [x(), kernel(), ...(normalised ? norm() : [])];
      },
      run(kernels, inputs) {
        const given = { x: input(inputs, 0), norm: normalised ? normFrom(inputs, 2, relu) : undefined };
        return { ...kernelOf(kernels, `${kind}Statistics`)(given, input(inputs, 1), window) };
      },
    }),
  );

  const gradients = (variant: Variant): KernelCase => {
    const { words, norm: normalised, behind } = variant;
    // A product of matrices has an input gradient in this kernel; other convolutions with one go layer by layer.
    const hasInput = depthwise || isPointwise(kernelShape, window);
    const needs = { input: variant.needs.input && hasInput, weights: variant.needs.weights };
    return {
      kernel: `${kind}Gradients`,
      name: `${name}, ${words}`,
      large,
      get inputs() {
        const data = caseData(3 * seed + 2);
        const above = [data.uniform(output), ...normInputs(filters, 7 * seed + 3, 1)];
        const sums = [data.uniform([filters], 3), data.uniform([filters], 3)];
        return [
          data.uniform(output, magnitude),
          kernel(),
          x(),
          ...(normalised ? norm() : []),
          ...(behind ? [...above, ...sums] : []),
        ];
      },
      run(kernels, inputs) {
        const [dy, weights, xs] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
        const below = normalised ? normFrom(inputs, 3, relu) : undefined;
        const at = normalised ? 7 : 3;
        const above = behind
          ? {
              y: input(inputs, at),
              norm: normFrom(inputs, at + 1, reluBehind),
              dGamma: input(inputs, at + 5),
              dBeta: input(inputs, at + 6),
            }
          : undefined;
        const given = { x: needs.weights || normalised ? xs : undefined, norm: below };
        const gradient = { dy, behind: above };
        const results = kernelOf(kernels, `${kind}Gradients`)(gradient, given, weights, inputShape, window, needs);
        const { dx, dKernel, dGamma, dBeta } = results;
        return present({ dx, dKernel, dGamma, dBeta });
      },
    };
  };
  const hasInput = depthwise || isPointwise(kernelShape, window);
  const parts = large || seed % 5 > 0 ? [] : PARTS.filter(({ needs }) => hasInput || needs.weights);
  // Of the real sizes two each, in turn: together they are as many as all others.
  const variants = large ? [VARIANTS[seed % 2], VARIANTS[2 + (seed % 2)]] : VARIANTS;
  const all = [...variants, ...parts].filter((variant) => variant !== undefined);
  return [...(large ? statistics.slice(seed % 2, (seed % 2) + 1) : statistics), ...all.map(gradients)];
}

/** Convolutions with the normalizations before and behind them, forward and backward. */
export function convBlockCases(): KernelCase[] {
  const shapes: readonly ConvolutionCase[] = [
    ...awkwardConvolutions(),
    ...modelShapes().convolutions.map((shape) => ({ ...shape, large: true })),
  ];
  return shapes.flatMap((shape, index) => casesOf(shape, 8000 + index));
}
