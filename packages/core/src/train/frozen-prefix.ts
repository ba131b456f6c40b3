import type { DeviceTensor } from "../kernels/kernels.ts";
import { crossingAt } from "../plan/pass.ts";
import { type PrefixUnit, planPrefix } from "../plan/prefix.ts";
import { Activations } from "./activations.ts";
import { applyNorm, fixedNorm } from "./fixed-norm.ts";
import type { PassContext } from "./forward.ts";
import { runLayer } from "./layer-forward.ts";

/** Outputs that cross a cut, by layer index. */
export type LiveTensors<T> = ReadonlyMap<number, T>;

/**
 * The layers below everything that trains, in inference mode: each convolution with its padding, normalization and ReLU
 * as one, where the kernel set has that. The numbers are those of the layers one by one.
 */
export class FrozenPrefix<T extends DeviceTensor> {
  readonly #context: PassContext<T>;
  readonly #units: readonly PrefixUnit[];
  /** Index of the first layer above it. */
  readonly to: number;

  constructor(context: PassContext<T>, to: number) {
    this.#context = context;
    this.#units = planPrefix(context.steps, to);
    this.to = to;
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
    const [x] = inputs;
    if (unit.type === "layer" || x === undefined) {
      return runLayer(this.#context, unit.index, inputs, activations, { training: false });
    }
    const { window, relu } = unit;
    const convolution = steps[unit.index];
    const depthwise = convolution?.layer.op.type === "DepthwiseConv2D";
    const kernel = this.#context.variables.get(`${convolution?.layer.name}/kernel`);
    const norm = fixedNorm(this.#context, unit.index + 1);
    const fused = depthwise ? kernels.depthwiseConv2dNormalised : kernels.conv2dNormalised;
    if (fused !== undefined) return fused(x, kernel, norm, window, relu);
    const y = depthwise ? kernels.depthwiseConv2d(x, kernel, window) : kernels.conv2d(x, kernel, window);
    try {
      return applyNorm(kernels, y, norm, relu);
    } finally {
      kernels.dispose(y);
    }
  }
}
