import type { DeviceTensor } from "../kernels/kernels.ts";
import { type ConvBlock, convBlocks, type PassRange } from "../plan/conv-blocks.ts";
import type { Activations } from "./activations.ts";
import { type BlockGradient, convolutionGradients } from "./conv-block.ts";
import type { PassContext } from "./forward.ts";
import { keptFor } from "./kept.ts";
import { batchNormGradients, fusedWithBatchNorm, type LayerGradients, layerGradients } from "./layer-gradients.ts";
import { multiplyGradient } from "./product.ts";

/** A gradient that several layers may hold at once (an Add passes its own on to both inputs). */
interface SharedGradient<T> extends BlockGradient<T> {
  owners: number;
}

/** Gradients on their way down, summed where paths meet and freed after their last owner. */
class GradientFlow<T extends DeviceTensor> {
  readonly #context: PassContext<T>;
  readonly #pending = new Map<number, SharedGradient<T>>();

  constructor(context: PassContext<T>) {
    this.#context = context;
  }

  release(gradient: SharedGradient<T>): void {
    gradient.owners -= 1;
    if (gradient.owners === 0) this.#context.kernels.dispose(gradient.tensor);
  }

  /** Adds one owner's share to what has reached a layer already. */
  send(index: number, gradient: SharedGradient<T>): void {
    const before = this.#pending.get(index);
    if (before === undefined) {
      this.#pending.set(index, gradient);
      return;
    }
    const sum = this.#context.kernels.add(before.tensor, gradient.tensor);
    this.release(before);
    this.release(gradient);
    this.#pending.set(index, { tensor: sum, owners: 1 });
  }

  take(index: number): SharedGradient<T> | undefined {
    const gradient = this.#pending.get(index);
    this.#pending.delete(index);
    return gradient;
  }

  dispose(): void {
    for (const gradient of this.#pending.values()) {
      for (const sum of Object.values(gradient.sums ?? {})) this.#context.kernels.dispose(sum);
      this.release(gradient);
    }
    this.#pending.clear();
  }
}

/**
 * Gradients of a block whose output was not stored, or of its convolution alone where the gradient has come through the
 * normalization already. Of the normalization's weights they came with the gradient.
 */
function blockGradients<T extends DeviceTensor>(
  context: PassContext<T>,
  block: ConvBlock,
  gradient: BlockGradient<T>,
  activations: Activations<T>,
  needsInput: boolean,
): LayerGradients<T> {
  const { kernels, steps } = context;
  const { input, weights } = convolutionGradients(context, block, gradient, activations, needsInput);
  const all = [...weights];
  if (gradient.sums !== undefined) {
    const { dGamma, dBeta } = gradient.sums;
    const norm = steps[block.norm];
    if (norm?.trains === true) all.push([`${norm.layer.name}/gamma`, dGamma], [`${norm.layer.name}/beta`, dBeta]);
    else for (const tensor of [dGamma, dBeta]) kernels.dispose(tensor);
    for (const tensor of activations.takeExtras(block.norm)) kernels.dispose(tensor);
  }
  if (input === undefined) return { weights: all };
  return { input: input.tensor, sums: input.sums, weights: all };
}

/** Sends the gradients of a product's two inputs, of each that carries one. */
function sendProduct<T extends DeviceTensor>(
  { kernels, steps }: PassContext<T>,
  flow: GradientFlow<T>,
  inputs: readonly number[],
  dy: T,
  activations: Activations<T>,
): void {
  const [first = -1, second = -1] = inputs;
  const pairs = [
    [first, second],
    [second, first],
  ] as const;
  for (const [input, other] of pairs) {
    if (steps[input]?.carriesGradient !== true) continue;
    const tensor = multiplyGradient(kernels, dy, activations.get(input), activations.get(other));
    flow.send(input, { tensor, owners: 1 });
  }
}

/**
 * Walks the layers from the last down to the first that carries a gradient, freeing activations as they are used.
 * @param activations what a training {@link forward} left, from layer 0 or from a cut below everything that trains
 * @param dOutput gradient of the loss by the last layer's output; taken over
 * @returns gradients by weight name, for the caller to free
 */
export function backward<T extends DeviceTensor>(
  context: PassContext<T>,
  activations: Activations<T>,
  dOutput: T,
): Map<string, T> {
  const { kernels, steps } = context;
  const blocks = convBlocks(steps, kernels);
  const range: PassRange = { from: 0, to: steps.length };
  const flow = new GradientFlow(context);
  const weightGradients = new Map<string, T>();
  flow.send(steps.length - 1, { tensor: dOutput, owners: 1 });
  try {
    for (let index = steps.length - 1; index >= 0; index -= 1) {
      const gradient = flow.take(index);
      if (gradient === undefined) continue;
      const top = index;
      const deferred = gradient.sums === undefined ? undefined : activations.deferredAt(index);
      const relu = deferred === undefined ? fusedWithBatchNorm(context, index) : undefined;
      if (deferred !== undefined) index = deferred.convolution;
      else if (relu !== undefined) index -= 1;
      const step = steps[index];
      if (step === undefined) continue;
      context.enterLayer?.(step.layer.name);
      const receivers = step.inputs.filter((input) => steps[input]?.carriesGradient === true);
      if (step.layer.op.type === "Add") {
        gradient.owners += receivers.length;
        for (const input of receivers) flow.send(input, gradient);
      } else if (step.layer.op.type === "Multiply") {
        sendProduct(context, flow, step.inputs, gradient.tensor, activations);
      } else {
        const needsInput = receivers.length > 0;
        const block = deferred ?? blocks.byConvolution.get(index);
        const { input, sums, weights } =
          block !== undefined
            ? blockGradients(context, block, gradient, activations, needsInput)
            : relu === undefined
              ? layerGradients(context, index, gradient.tensor, activations, needsInput)
              : batchNormGradients(context, index, gradient.tensor, activations, needsInput, relu);
        for (const [name, tensor] of weights) weightGradients.set(name, tensor);
        const [receiver] = receivers;
        if (input !== undefined) {
          if (receiver === undefined) kernels.dispose(input);
          else flow.send(receiver, { tensor: input, sums, owners: 1 });
        }
      }
      flow.release(gradient);
      for (let done = top; done >= index; done -= 1) {
        for (const kept of keptFor(context, blocks, done, range)) activations.release(kept);
      }
    }
    context.enterLayer?.(null);
    return weightGradients;
  } catch (error) {
    flow.dispose();
    for (const tensor of weightGradients.values()) kernels.dispose(tensor);
    throw error;
  }
}
