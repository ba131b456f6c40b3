import type { Tensor } from "@tensorflow/tfjs-core";
import type { BatchNormGradients, BatchNormTrained, FusedKernel, GradientNeeds, Kernels } from "@thaw/core";
import {
  type Activation,
  COEFFICIENTS,
  FINISH_MOMENTS,
  FINISH_SUMS,
  gradientSums,
  inference,
  inferenceGradient,
  inputGradientOf,
  MOMENTS,
  mergeAndInputGradient,
  mergeAndNormalise,
  normalise,
} from "./batch-norm-shaders.ts";
import type { CommandStream } from "./command-stream.ts";
import { splitRows } from "./partial-sums.ts";

type BatchNormKernels = Pick<
  Kernels<Tensor>,
  "batchNormTrain" | "batchNormTrainGradient" | "batchNormInference" | "batchNormInferenceGradient"
> &
  Required<Pick<Kernels<Tensor>, Exclude<FusedKernel, "movingStatistics">>>;

/** ReLU behind the normalisation: its limit, null for none; undefined for no ReLU. */
type Relu = { readonly maxValue: number | null } | undefined;

/** Parts up to which every thread merges them itself, which saves a dispatch. */
const MERGED_PARTS = 8;
/** Rows up to which a map is small enough to be cut in so few parts. */
const SMALL_ROWS = 2048;
/** Rows of a thread that normalises: its constants are read once for all of them. */
const THREAD_ROWS = 8;
const LARGEST_FLOAT = 3.4028234663852886e38;

/** Rows and fours of channels; undefined where the channels come in no fours. */
function layoutOf(x: Tensor): { readonly rows: number; readonly channels4: number } | undefined {
  const channels = x.shape.at(-1) ?? 1;
  return channels % 4 === 0 ? { rows: x.size / channels, channels4: channels / 4 } : undefined;
}

const activationOf = (relu: Relu): Activation => (relu === undefined ? "none" : "relu");
const limitOf = (relu: Relu): number => relu?.maxValue ?? LARGEST_FLOAT;

function partsOf(rows: number, channels4: number): { readonly rows: number; readonly count: number } {
  if (rows > SMALL_ROWS) return splitRows(rows, channels4, 32);
  const each = Math.max(16, Math.ceil(rows / MERGED_PARTS));
  return { rows: each, count: Math.ceil(rows / each) };
}

/** Batch normalization in both modes with its gradients, and with the ReLU behind it. */
export function batchNormKernels(stream: CommandStream, plain: Kernels<Tensor>): BatchNormKernels {
  function train(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    epsilon: number,
    relu: Relu,
    layout: { readonly rows: number; readonly channels4: number },
  ): BatchNormTrained<Tensor> {
    const { rows, channels4 } = layout;
    const parts = partsOf(rows, channels4);
    const moments = stream.output([parts.count * 2, channels4 * 4]);
    const partParams = [rows, channels4, parts.rows, parts.count, epsilon];
    stream.run(MOMENTS, { tensors: [x, moments], params: partParams, threads: channels4 * parts.count });
    const [mean, variance] = [stream.output([channels4 * 4]), stream.output([channels4 * 4])];
    const coefficients = stream.output([4, channels4 * 4]);
    const y = stream.output(x.shape);
    const params = [rows, channels4, THREAD_ROWS, parts.count, epsilon, limitOf(relu), parts.rows];
    const threads = channels4 * Math.ceil(rows / THREAD_ROWS);
    if (parts.count <= MERGED_PARTS) {
      const tensors = [x, gamma, beta, moments, mean, variance, coefficients, y];
      stream.run(mergeAndNormalise(activationOf(relu)), { tensors, params, threads });
    } else {
      const finished = [moments, gamma, beta, mean, variance, coefficients];
      stream.run(FINISH_MOMENTS, { tensors: finished, params: partParams, threads: channels4 });
      stream.run(normalise(activationOf(relu)), { tensors: [x, coefficients, y], params, threads });
    }
    moments.dispose();
    return { y, mean, variance, saved: [coefficients] };
  }

  /** What forward saved, or the same from the statistics where forward was another kernel. */
  function coefficientsOf(
    [saved]: readonly Tensor[],
    gamma: Tensor,
    beta: Tensor,
    statistics: { readonly mean: Tensor; readonly variance: Tensor },
    epsilon: number,
  ): { readonly tensor: Tensor; readonly dispose: () => void } {
    if (saved !== undefined) return { tensor: saved, dispose: () => undefined };
    const channels4 = gamma.size / 4;
    const tensor = stream.output([4, gamma.size]);
    stream.run(COEFFICIENTS, {
      tensors: [gamma, beta, statistics.mean, statistics.variance, tensor],
      params: [0, channels4, 0, 0, epsilon],
      threads: channels4,
    });
    return { tensor, dispose: () => tensor.dispose() };
  }

  function gradients(
    dy: Tensor,
    x: Tensor,
    coefficients: Tensor,
    relu: Relu,
    needs: GradientNeeds,
    { rows, channels4 }: { readonly rows: number; readonly channels4: number },
  ): BatchNormGradients<Tensor> {
    const split = partsOf(rows, channels4);
    const activation = activationOf(relu);
    const sums = stream.output([split.count * 2, channels4 * 4]);
    stream.run(gradientSums(activation), {
      tensors: [dy, x, coefficients, sums],
      params: [rows, channels4, split.rows, split.count, 0, limitOf(relu), 0],
      threads: channels4 * split.count,
    });
    const [dBeta, dGamma] = [stream.output([channels4 * 4]), stream.output([channels4 * 4])];
    const merges = needs.input && split.count <= MERGED_PARTS;
    if (!merges) {
      const params = [rows, channels4, split.rows, split.count, 0];
      stream.run(FINISH_SUMS, { tensors: [sums, dBeta, dGamma], params, threads: channels4 });
    }
    const inputGradient = (): Tensor => {
      const dx = stream.output(x.shape);
      const params = [rows, channels4, THREAD_ROWS, split.count, 0, limitOf(relu), 0];
      const threads = channels4 * Math.ceil(rows / THREAD_ROWS);
      const shader = merges ? mergeAndInputGradient(activation) : inputGradientOf(activation);
      const tensors = [dy, x, coefficients, ...(merges ? [sums] : []), dBeta, dGamma, dx];
      stream.run(shader, { tensors, params, threads });
      return dx;
    };
    const input = needs.input ? { dx: inputGradient() } : {};
    sums.dispose();
    if (needs.weights) return { ...input, dGamma, dBeta };
    dGamma.dispose();
    dBeta.dispose();
    return input;
  }

  function infer(
    x: Tensor,
    [gamma, beta, mean, variance]: readonly [Tensor, Tensor, Tensor, Tensor],
    epsilon: number,
    relu: Relu,
    { rows, channels4 }: { readonly rows: number; readonly channels4: number },
  ): Tensor {
    const y = stream.output(x.shape);
    stream.run(inference(activationOf(relu)), {
      tensors: [x, gamma, beta, mean, variance, y],
      params: [rows, channels4, THREAD_ROWS, 0, epsilon, limitOf(relu), 0],
      threads: channels4 * Math.ceil(rows / THREAD_ROWS),
    });
    return y;
  }

  const self: BatchNormKernels = {
    batchNormTrain(x, gamma, beta, epsilon) {
      const layout = layoutOf(x);
      return layout === undefined
        ? plain.batchNormTrain(x, gamma, beta, epsilon)
        : train(x, gamma, beta, epsilon, undefined, layout);
    },

    batchNormTrainRelu(x, gamma, beta, epsilon, maxValue) {
      const layout = layoutOf(x);
      if (layout !== undefined) return train(x, gamma, beta, epsilon, { maxValue }, layout);
      const { y, ...rest } = plain.batchNormTrain(x, gamma, beta, epsilon);
      const activated = plain.relu(y, maxValue);
      y.dispose();
      return { y: activated, ...rest };
    },

    batchNormTrainGradient(dy, x, gamma, trained, epsilon, needs) {
      const layout = layoutOf(x);
      if (layout === undefined) return plain.batchNormTrainGradient(dy, x, gamma, trained, epsilon, needs);
      // β does not matter without a ReLU: γ stands in its place.
      const coefficients = coefficientsOf(trained.saved, gamma, gamma, trained, epsilon);
      const result = gradients(dy, x, coefficients.tensor, undefined, needs, layout);
      coefficients.dispose();
      return result;
    },

    batchNormTrainReluGradient(dy, x, gamma, beta, trained, epsilon, maxValue, needs) {
      const layout = layoutOf(x);
      if (layout !== undefined) {
        const coefficients = coefficientsOf(trained.saved, gamma, beta, trained, epsilon);
        const result = gradients(dy, x, coefficients.tensor, { maxValue }, needs, layout);
        coefficients.dispose();
        return result;
      }
      const normalised = plain.batchNormInference(x, gamma, beta, trained.mean, trained.variance, epsilon);
      const y = plain.relu(normalised, maxValue);
      const passed = plain.reluGradient(dy, y, maxValue);
      const result = plain.batchNormTrainGradient(passed, x, gamma, trained, epsilon, needs);
      for (const tensor of [normalised, y, passed]) tensor.dispose();
      return result;
    },

    batchNormInference(x, gamma, beta, mean, variance, epsilon) {
      const layout = layoutOf(x);
      return layout === undefined
        ? plain.batchNormInference(x, gamma, beta, mean, variance, epsilon)
        : infer(x, [gamma, beta, mean, variance], epsilon, undefined, layout);
    },

    batchNormInferenceRelu(x, gamma, beta, mean, variance, epsilon, maxValue) {
      const layout = layoutOf(x);
      if (layout !== undefined) return infer(x, [gamma, beta, mean, variance], epsilon, { maxValue }, layout);
      const normalised = plain.batchNormInference(x, gamma, beta, mean, variance, epsilon);
      const y = plain.relu(normalised, maxValue);
      normalised.dispose();
      return y;
    },

    batchNormInferenceGradient(dy, x, gamma, mean, variance, epsilon, needs) {
      const layout = layoutOf(dy);
      if (layout === undefined) {
        return plain.batchNormInferenceGradient(dy, x, gamma, mean, variance, epsilon, needs);
      }
      const weights = needs.weights && x !== undefined ? frozenSums(dy, x, gamma, { mean, variance }, epsilon) : {};
      if (!needs.input) return weights;
      return { ...weights, dx: scaled(dy, undefined, gamma, variance, epsilon, undefined, layout) };
    },

    batchNormInferenceReluGradient(dy, y, x, gamma, mean, variance, epsilon, maxValue, needs) {
      const layout = layoutOf(dy);
      if (layout !== undefined && !needs.weights) {
        return needs.input ? { dx: scaled(dy, y, gamma, variance, epsilon, { maxValue }, layout) } : {};
      }
      const passed = plain.reluGradient(dy, y, maxValue);
      const result = self.batchNormInferenceGradient(passed, x, gamma, mean, variance, epsilon, needs);
      passed.dispose();
      return result;
    },
  };

  /** dy·γ/σ where the ReLU let it pass. */
  function scaled(
    dy: Tensor,
    reluOut: Tensor | undefined,
    gamma: Tensor,
    variance: Tensor,
    epsilon: number,
    relu: Relu,
    { rows, channels4 }: { readonly rows: number; readonly channels4: number },
  ): Tensor {
    const dx = stream.output(dy.shape);
    stream.run(inferenceGradient(activationOf(relu)), {
      tensors: [dy, ...(reluOut === undefined ? [] : [reluOut]), gamma, variance, dx],
      params: [rows, channels4, THREAD_ROWS, 0, epsilon, limitOf(relu), 0],
      threads: channels4 * Math.ceil(rows / THREAD_ROWS),
    });
    return dx;
  }

  /** Gradients of γ and β by given statistics. */
  function frozenSums(
    dy: Tensor,
    x: Tensor,
    gamma: Tensor,
    statistics: { readonly mean: Tensor; readonly variance: Tensor },
    epsilon: number,
  ): BatchNormGradients<Tensor> {
    const layout = layoutOf(x);
    if (layout === undefined) return {};
    const coefficients = coefficientsOf([], gamma, gamma, statistics, epsilon);
    const result = gradients(dy, x, coefficients.tensor, undefined, { input: false, weights: true }, layout);
    coefficients.dispose();
    return result;
  }

  return self;
}
