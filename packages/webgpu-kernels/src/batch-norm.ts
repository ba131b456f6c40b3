import type { Tensor } from "@tensorflow/tfjs-core";
import {
  type BatchNormGradients,
  type BatchNormTrained,
  type GradientNeeds,
  type Kernels,
  type MovingStatistics,
  ThawError,
} from "@thaw/core";
import { activationOf, limitValue } from "./activation.ts";
import { partialMoments, trainBatchNorm } from "./batch-norm-forward.ts";
import { batchNormGradient, type MaskSource } from "./batch-norm-gradient.ts";
import {
  batchNormCoefficients,
  inferenceBatchNorm,
  inferenceInputGradient,
  movingPair,
} from "./batch-norm-inference.ts";
import type { Commands } from "./commands.ts";
import { type Lane, lanesOf } from "./program.ts";
import { splitRows, splitSums, type Team } from "./teams.ts";

/** Sizes of `[..., channels]` as the programs want them. */
interface Extent {
  readonly lane: Lane;
  readonly rows: number;
  readonly lanes: number;
  readonly channels: number;
}

function extentOf(x: Tensor): Extent {
  const channels = x.shape.at(-1) ?? 1;
  return { ...lanesOf(channels), rows: x.size / channels, channels };
}

/** Batch normalization in both modes, its gradients, each with and without a ReLU behind it. */
export function batchNormKernels(commands: Commands, team: Team): Partial<Kernels<Tensor>> {
  function forward(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    epsilon: number,
    maxValue: number | null | undefined,
  ): BatchNormTrained<Tensor> {
    const { lane, rows, lanes, channels } = extentOf(x);
    const activation = activationOf(maxValue);
    const outputs = {
      y: commands.make(x.shape),
      mean: commands.make([channels]),
      variance: commands.make([channels]),
      coefficients: commands.make([4, channels]),
    };
    const { sizes, groups } = splitSums(team, rows, lanes);
    const settings = { ...sizes, epsilon, ...limitValue(maxValue) };
    if (sizes.parts === 1) {
      commands.run(trainBatchNorm(lane, activation, "rows", team), { x, gamma, beta }, outputs, settings, groups);
    } else {
      const partials = commands.make([sizes.parts, 2, channels]);
      commands.run(partialMoments(lane, team), { x }, { partials }, sizes, groups);
      const program = trainBatchNorm(lane, activation, "partials", team);
      commands.run(program, { x, partials, gamma, beta }, outputs, settings, groups);
      partials.dispose();
    }
    return { y: outputs.y, mean: outputs.mean, variance: outputs.variance, saved: [outputs.coefficients] };
  }

  function coefficientsOf(gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, epsilon: number): Tensor {
    const { lane, lanes, channels } = extentOf(gamma);
    const coefficients = commands.make([4, channels]);
    const program = batchNormCoefficients(lane);
    const groups = [Math.ceil(lanes / 64)] as const;
    commands.run(program, { gamma, beta, mean, variance }, { coefficients }, { lanes, epsilon }, groups);
    return coefficients;
  }

  /** Sums over rows, and with `input` the input gradient of training mode. */
  function gradients(
    inputs: { readonly dy: Tensor; readonly x: Tensor; readonly coefficients: Tensor; readonly y?: Tensor },
    maxValue: number | null | undefined,
    mask: MaskSource,
    needs: GradientNeeds,
  ): BatchNormGradients<Tensor> {
    const { dy, coefficients } = inputs;
    const { lane, rows, lanes, channels } = extentOf(dy);
    const activation = activationOf(maxValue);
    const [dGamma, dBeta] = [commands.make([channels]), commands.make([channels])];
    const dx = needs.input ? commands.make(dy.shape) : undefined;
    const outputs = { dGamma, dBeta, ...(dx === undefined ? {} : { dx }) };
    const result = needs.input ? "weights and input" : "weights";
    const { sizes, groups } = splitSums(team, rows, lanes);
    const settings = { ...sizes, ...limitValue(maxValue) };
    if (sizes.parts === 1) {
      const program = batchNormGradient(lane, activation, mask, "rows", result, team);
      commands.run(program, inputs, outputs, settings, groups);
    } else {
      const partials = commands.make([sizes.parts, 2, channels]);
      const sums = batchNormGradient(lane, activation, mask, "rows", "partials", team);
      commands.run(sums, inputs, { partials }, settings, groups);
      const finish = batchNormGradient(lane, activation, mask, "partials", result, team);
      const reads = needs.input ? { ...inputs, partials } : { coefficients, partials };
      commands.run(finish, reads, outputs, settings, groups);
      partials.dispose();
    }
    if (needs.weights) return outputs;
    for (const tensor of [dGamma, dBeta]) tensor.dispose();
    return dx === undefined ? {} : { dx };
  }

  function trainGradient(
    dy: Tensor,
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    { mean, variance, saved }: Omit<BatchNormTrained<Tensor>, "y">,
    epsilon: number,
    maxValue: number | null | undefined,
    needs: GradientNeeds,
  ): BatchNormGradients<Tensor> {
    // A plain forward kernel saves nothing.
    const [kept] = saved;
    const coefficients = kept ?? coefficientsOf(gamma, beta, mean, variance, epsilon);
    const result = gradients({ dy, x, coefficients }, maxValue, "input", needs);
    if (kept === undefined) coefficients.dispose();
    return result;
  }

  function inference(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: number,
    maxValue: number | null | undefined,
  ): Tensor {
    const { lane, rows, lanes } = extentOf(x);
    const { sizes, groups } = splitRows(team, rows, lanes);
    const y = commands.make(x.shape);
    const program = inferenceBatchNorm(lane, activationOf(maxValue), team);
    const settings = { ...sizes, epsilon, ...limitValue(maxValue) };
    commands.run(program, { x, gamma, beta, mean, variance }, { y }, settings, groups);
    return y;
  }

  function inferenceGradient(
    dy: Tensor,
    y: Tensor | undefined,
    x: Tensor | undefined,
    gamma: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: number,
    maxValue: number | null | undefined,
    needs: GradientNeeds,
  ): BatchNormGradients<Tensor> {
    const output = y === undefined ? {} : { y };
    let result: BatchNormGradients<Tensor> = {};
    if (needs.input) {
      const { lane, rows, lanes } = extentOf(dy);
      const { sizes, groups } = splitRows(team, rows, lanes);
      const dx = commands.make(dy.shape);
      const program = inferenceInputGradient(lane, activationOf(maxValue), team);
      const settings = { ...sizes, epsilon, ...limitValue(maxValue) };
      commands.run(program, { dy, gamma, variance, ...output }, { dx }, settings, groups);
      result = { dx };
    }
    if (!needs.weights) return result;
    if (x === undefined) throw new ThawError("internal", "The gradient of gamma needs x.");
    const coefficients = coefficientsOf(gamma, gamma, mean, variance, epsilon);
    const inputs = { dy, x, coefficients, ...output };
    const weights = gradients(inputs, maxValue, "output", { input: false, weights: true });
    coefficients.dispose();
    return { ...result, ...weights };
  }

  function movingPairOf({ moving, batch }: MovingStatistics<Tensor>, momentum: number): readonly [Tensor, Tensor] {
    const [[movingMean, movingVariance], [mean, variance]] = [moving, batch];
    const [nextMean, nextVariance] = [commands.make(movingMean.shape), commands.make(movingVariance.shape)];
    const reads = { movingMean, movingVariance, mean, variance };
    const uniforms = { size: mean.size, kept: momentum, added: 1 - momentum };
    commands.run(movingPair, reads, { nextMean, nextVariance }, uniforms, [Math.ceil(mean.size / 64)]);
    return [nextMean, nextVariance];
  }

  return {
    batchNormTrain: (x, gamma, beta, epsilon) => forward(x, gamma, beta, epsilon, undefined),
    batchNormTrainRelu: forward,
    batchNormTrainGradient: (dy, x, gamma, trained, epsilon, needs) =>
      trainGradient(dy, x, gamma, gamma, trained, epsilon, undefined, needs),
    batchNormTrainReluGradient: trainGradient,
    batchNormInference: (x, gamma, beta, mean, variance, epsilon) =>
      inference(x, gamma, beta, mean, variance, epsilon, undefined),
    batchNormInferenceRelu: inference,
    batchNormInferenceGradient: (dy, x, gamma, mean, variance, epsilon, needs) =>
      inferenceGradient(dy, undefined, x, gamma, mean, variance, epsilon, undefined, needs),
    batchNormInferenceReluGradient: inferenceGradient,
    movingStatistics: (layers, momentum) => layers.map((layer) => movingPairOf(layer, momentum)),
  };
}
