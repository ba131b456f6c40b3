import { SMALLEST_NORMAL, sumBound, UNIT_ROUNDOFF } from "../parity/tolerances.ts";
import { accumulate, at, elementwise, type Float64Tensor, float64Zeros } from "./float64-tensor.ts";
import type { BatchNormGradients, BatchNormKernel, GradientNeeds, Kernels } from "./kernels.ts";

/** A difference that a device flushes to zero is an error of the smallest normal: this many roundings' worth. */
const FLUSHED = SMALLEST_NORMAL / UNIT_ROUNDOFF.float32;

/** Statistics of a batch, with E|x| of each channel: what the error of the mean is in proportion to. */
interface BatchStatistics {
  readonly count: number;
  readonly mean: Float64Tensor;
  readonly variance: Float64Tensor;
}

/** Sums `term(element, channel)` over all axes but the last. */
export function sumChannels(
  shape: readonly number[],
  term: (index: number, channel: number) => readonly [value: number, scale: number],
): Float64Tensor {
  const channels = shape.at(-1) ?? 1;
  const count = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const sums = float64Zeros([channels], count);
  for (let index = 0; index < count * channels; index++) {
    const [value, scale] = term(index, index % channels);
    accumulate(sums, index % channels, value, scale);
  }
  return sums;
}

function batchStatistics(x: Float64Tensor): BatchStatistics {
  const sums = sumChannels(x.shape, (index) => [at(x.data, index), Math.abs(at(x.data, index))]);
  const count = sums.terms;
  const mean = elementwise(sums.shape, (c) => [at(sums.data, c) / count, at(sums.scale, c) / count + FLUSHED], count);
  const squares = sumChannels(x.shape, (index, c) => {
    const square = (at(x.data, index) - at(mean.data, c)) ** 2;
    return [square, square];
  });
  // A mean that is off by δ adds δ² to the variance: all there is of it where a channel is constant.
  const second = sumBound(count) * UNIT_ROUNDOFF.wgsl;
  const variance = elementwise(
    sums.shape,
    (c) => [at(squares.data, c) / count, at(squares.scale, c) / count + second * at(mean.scale, c) ** 2],
    count,
  );
  return { count, mean, variance };
}

/** Batch normalization as written in the paper, with the condition of each result. */
export function float64BatchNorm(): Pick<Kernels<Float64Tensor>, BatchNormKernel> {
  return {
    batchNormTrain(x, gamma, beta, epsilon) {
      const { count, mean, variance } = batchStatistics(x);
      const channels = gamma.data.length;
      const y = elementwise(
        x.shape,
        (index) => {
          const c = index % channels;
          const spread = at(variance.data, c) + epsilon;
          const slope = at(gamma.data, c) / Math.sqrt(spread);
          const centered = slope * (at(x.data, index) - at(mean.data, c));
          const fromInput = Math.abs(slope) * (Math.abs(at(x.data, index)) + at(mean.scale, c));
          const fromSpread = Math.abs(centered) * (1 + at(variance.scale, c) / (2 * spread));
          return [centered + at(beta.data, c), fromInput + fromSpread + Math.abs(at(beta.data, c))];
        },
        count,
      );
      return { y, mean, variance, saved: [] };
    },

    batchNormTrainGradient(dy, x, gamma, _trained, epsilon, needs) {
      // From x again and not from what the forward pass left: independent, and the conditions come with it.
      const { count, mean, variance } = batchStatistics(x);
      const channels = gamma.data.length;
      const spreadAt = (c: number): number => at(variance.data, c) + epsilon;
      const relativeAt = (c: number): number => at(variance.scale, c) / (2 * spreadAt(c));
      /** The normalised input and its condition. */
      const normalised = (index: number): readonly [number, number] => {
        const c = index % channels;
        const deviation = Math.sqrt(spreadAt(c));
        const centered = at(x.data, index) - at(mean.data, c);
        const value = centered / deviation;
        return [value, (Math.abs(centered) + at(mean.scale, c)) / deviation + Math.abs(value) * relativeAt(c)];
      };
      const dBeta = sumChannels(dy.shape, (index) => [at(dy.data, index), Math.abs(at(dy.data, index))]);
      const dGamma = sumChannels(dy.shape, (index) => {
        const [value, scale] = normalised(index);
        return [at(dy.data, index) * value, Math.abs(at(dy.data, index)) * scale];
      });
      const dx = (): Float64Tensor =>
        elementwise(
          x.shape,
          (index) => {
            const c = index % channels;
            const slope = at(gamma.data, c) / Math.sqrt(spreadAt(c));
            const [value, scale] = normalised(index);
            const mixed = at(dy.data, index) - at(dBeta.data, c) / count - (value * at(dGamma.data, c)) / count;
            const parts =
              Math.abs(at(dy.data, index)) + at(dBeta.scale, c) / count + (scale * at(dGamma.scale, c)) / count;
            return [slope * mixed, Math.abs(slope) * parts * (1 + relativeAt(c))];
          },
          count,
        );
      return pick(needs, dx, () => ({ dGamma, dBeta }));
    },

    batchNormInference(x, gamma, beta, mean, variance, epsilon) {
      const channels = gamma.data.length;
      return elementwise(x.shape, (index) => {
        const c = index % channels;
        const slope = at(gamma.data, c) / Math.sqrt(at(variance.data, c) + epsilon);
        const value = slope * (at(x.data, index) - at(mean.data, c)) + at(beta.data, c);
        const parts = Math.abs(at(x.data, index)) + Math.abs(at(mean.data, c));
        return [value, Math.abs(slope) * parts + Math.abs(at(beta.data, c))];
      });
    },

    batchNormInferenceGradient(dy, x, gamma, mean, variance, epsilon, needs) {
      const channels = gamma.data.length;
      const inverseAt = (c: number): number => 1 / Math.sqrt(at(variance.data, c) + epsilon);
      const dx = (): Float64Tensor =>
        elementwise(dy.shape, (index) => {
          const value = at(dy.data, index) * at(gamma.data, index % channels) * inverseAt(index % channels);
          return [value, Math.abs(value)];
        });
      return pick(needs, dx, () => {
        if (x === undefined) throw new Error("batchNormInferenceGradient: x is needed for the gradient of gamma");
        const dGamma = sumChannels(dy.shape, (index, c) => {
          const term = at(dy.data, index) * (at(x.data, index) - at(mean.data, c)) * inverseAt(c);
          return [term, Math.abs(term)];
        });
        return { dGamma, dBeta: sumChannels(dy.shape, (index) => [at(dy.data, index), Math.abs(at(dy.data, index))]) };
      });
    },

    movingAverage: (moving, value, momentum) =>
      elementwise(moving.shape, (c) => {
        const [kept, added] = [at(moving.data, c) * momentum, at(value.data, c) * (1 - momentum)];
        return [kept + added, Math.abs(kept) + Math.abs(added)];
      }),
  };
}

function pick(
  needs: GradientNeeds,
  dx: () => Float64Tensor,
  weights: () => { dGamma: Float64Tensor; dBeta: Float64Tensor },
): BatchNormGradients<Float64Tensor> {
  return { ...(needs.input ? { dx: dx() } : {}), ...(needs.weights ? weights() : {}) };
}
