import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import type { HostTensor } from "../model/safetensors.ts";
import type { PassStep } from "../plan/pass.ts";
import { type PrefixUnit, planPrefix } from "../plan/prefix.ts";
import { Activations } from "./activations.ts";
import { crossingAt, type PassContext, runLayer } from "./forward.ts";
import type { Variables } from "./variables.ts";

/** Outputs that cross a cut, by layer index. */
export type LiveTensors<T> = ReadonlyMap<number, T>;

/** A convolution's weights with its batch normalization in them. */
interface FoldedWeights<T> {
  readonly kernel: T;
  readonly bias: T;
}

function valuesOf(weights: ReadonlyMap<string, HostTensor>, name: string): Float32Array {
  const values = weights.get(name)?.data;
  if (!(values instanceof Float32Array)) throw new ThawError("internal", `There is no variable "${name}".`);
  return values;
}

/**
 * Folds a batch normalization by moving statistics into the convolution before it, in float64 and rounded once.
 * @returns kernel in the convolution's shape, and bias `[channels]`
 */
function fold(
  convolution: PassStep,
  norm: PassStep,
  weights: ReadonlyMap<string, HostTensor>,
): { readonly kernel: Float32Array; readonly bias: Float32Array } {
  const { op, name } = convolution.layer;
  const { op: normOp, name: normName } = norm.layer;
  if (normOp.type !== "BatchNormalization") throw new ThawError("internal", `"${normName}" is no BN.`);
  const [gamma, beta, mean, variance] = ["gamma", "beta", "moving_mean", "moving_variance"].map((weight) =>
    valuesOf(weights, `${normName}/${weight}`),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const hasBias = "useBias" in op && op.useBias;
  const ownBias = hasBias ? valuesOf(weights, `${name}/bias`) : undefined;
  const scales = Float64Array.from(gamma, (value, c) => value / Math.sqrt((variance[c] ?? 0) + normOp.epsilon));
  const channels = scales.length;
  // Kernels [h, w, in, filters] and depthwise ones [h, w, channels, 1] both have the scaled axis innermost.
  const kernel = valuesOf(weights, `${name}/kernel`).map((value, index) => value * (scales[index % channels] ?? 0));
  const bias = beta.map((value, c) => value + ((ownBias?.[c] ?? 0) - (mean[c] ?? 0)) * (scales[c] ?? 0));
  return { kernel, bias };
}

/**
 * The layers below everything that trains, in inference mode, each convolution with its normalization folded in.
 * Holds device memory until it is disposed of.
 */
export class FrozenPrefix<T extends DeviceTensor> {
  readonly #context: PassContext<T>;
  readonly #units: readonly PrefixUnit[];
  readonly #folded: ReadonlyMap<number, FoldedWeights<T>>;
  /** Index of the first layer above it. */
  readonly to: number;

  private constructor(
    context: PassContext<T>,
    to: number,
    units: readonly PrefixUnit[],
    folded: ReadonlyMap<number, FoldedWeights<T>>,
  ) {
    this.#context = context;
    this.to = to;
    this.#units = units;
    this.#folded = folded;
  }

  /** @param to index of the first layer above it */
  static async fold<T extends DeviceTensor>(context: PassContext<T>, to: number): Promise<FrozenPrefix<T>> {
    const { kernels, steps, variables } = context;
    const units = planPrefix(steps, to);
    const folded = new Map<number, FoldedWeights<T>>();
    for (const unit of units) {
      const [convolution, norm] = [steps[unit.index], steps[unit.index + 1]];
      if (unit.type !== "folded" || convolution === undefined || norm === undefined) continue;
      const { kernel, bias } = fold(convolution, norm, await weightsOf(variables, convolution, norm));
      const shape = convolution.layer.weights.find(({ name }) => name === "kernel")?.shape ?? [];
      folded.set(unit.index, { kernel: kernels.upload(kernel, shape), bias: kernels.upload(bias, [bias.length]) });
    }
    return new FrozenPrefix(context, to, units, folded);
  }

  /** Layers where it may be cut: 0 and behind each of its pieces. */
  get cuts(): readonly number[] {
    return [0, ...this.#units.map(({ output }) => output + 1)];
  }

  /**
   * Runs the pieces between two cuts.
   * @param inputs outputs that cross `from`; taken over
   * @param show is called with each output while it is there
   * @returns outputs that cross `to`, for the caller to free
   */
  async run(
    from: number,
    to: number,
    inputs: LiveTensors<T>,
    show?: (layer: string, tensor: T) => Promise<void>,
  ): Promise<Map<number, T>> {
    const { kernels, steps, enterLayer } = this.#context;
    const units = this.#units.filter(({ output, index }) => index >= from && output < to);
    const crossing = crossingAt(steps, to);
    const uses = new Map<number, number>();
    for (const index of [...units.flatMap((unit) => unit.inputs), ...crossing]) {
      uses.set(index, (uses.get(index) ?? 0) + 1);
    }
    const activations = new Activations(kernels);
    for (const [index, tensor] of inputs) activations.put(index, tensor, uses.get(index) ?? 0);
    try {
      const images = from === 0 ? inputs.get(0) : undefined;
      if (images !== undefined) await show?.(steps[0]?.layer.name ?? "", images);
      for (const unit of units) {
        enterLayer?.(steps[unit.index]?.layer.name ?? null);
        const output = this.#runUnit(
          unit,
          unit.inputs.map((input) => activations.get(input)),
          activations,
        );
        await show?.(steps[unit.output]?.layer.name ?? "", output);
        activations.put(unit.output, output, uses.get(unit.output) ?? 0);
        for (const input of unit.inputs) activations.release(input);
      }
      enterLayer?.(null);
      return new Map([...crossing].map((index) => [index, activations.take(index)]));
    } catch (error) {
      activations.dispose();
      throw error;
    }
  }

  #runUnit(unit: PrefixUnit, inputs: readonly T[], activations: Activations<T>): T {
    const { kernels, steps } = this.#context;
    const folded = this.#folded.get(unit.index);
    const [x] = inputs;
    if (unit.type === "layer" || folded === undefined || x === undefined) {
      return runLayer(this.#context, unit.index, inputs, activations, { training: false });
    }
    const { kernel, bias } = folded;
    const { window, relu } = unit;
    const depthwise = steps[unit.index]?.layer.op.type === "DepthwiseConv2D";
    const fused = depthwise ? kernels.biasedDepthwiseConv2d : kernels.biasedConv2d;
    if (fused !== undefined) return fused(x, kernel, bias, window, relu);
    const y = depthwise ? kernels.depthwiseConv2d(x, kernel, window) : kernels.conv2d(x, kernel, window);
    const biased = kernels.biasAdd(y, bias);
    kernels.dispose(y);
    if (relu === undefined) return biased;
    const result = kernels.relu(biased, relu.maxValue);
    kernels.dispose(biased);
    return result;
  }

  dispose(): void {
    for (const { kernel, bias } of this.#folded.values()) {
      this.#context.kernels.dispose(kernel);
      this.#context.kernels.dispose(bias);
    }
  }
}

function weightsOf<T extends DeviceTensor>(
  variables: Variables<T>,
  ...steps: readonly PassStep[]
): Promise<Map<string, HostTensor>> {
  const names = new Set(steps.flatMap(({ layer }) => layer.weights.map(({ name }) => `${layer.name}/${name}`)));
  return variables.download((name) => names.has(name));
}
