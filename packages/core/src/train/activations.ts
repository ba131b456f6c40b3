import { ThawError } from "../error.ts";
import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import type { ConvBlock } from "../plan/conv-blocks.ts";

/** Layer outputs that are still needed, each freed after its last use. */
export class Activations<T extends DeviceTensor> {
  readonly #kernels: Kernels<T>;
  readonly #entries = new Map<number, { tensor: T; uses: number }>();
  /** Outputs that are not stored, by layer: they are made from another layer's while they are read. */
  readonly #deferred = new Map<number, ConvBlock>();
  /** Tensors beside the layer outputs (batch statistics, dropout masks), by layer. */
  readonly #extras = new Map<number, readonly T[]>();

  constructor(kernels: Kernels<T>) {
    this.#kernels = kernels;
  }

  /** Takes over a layer's output; with no uses left it is freed at once. */
  put(index: number, tensor: T, uses: number): void {
    if (uses === 0) this.#kernels.dispose(tensor);
    else this.#entries.set(index, { tensor, uses });
  }

  get(index: number): T {
    const entry = this.#entries.get(index);
    if (entry === undefined) throw new ThawError("internal", `The output of layer ${index} is not there any more.`);
    return entry.tensor;
  }

  /** Gives one use back. */
  release(index: number): void {
    const entry = this.#entries.get(index);
    if (entry === undefined) throw new ThawError("internal", `The output of layer ${index} was freed before.`);
    entry.uses -= 1;
    if (entry.uses > 0) return;
    this.#kernels.dispose(entry.tensor);
    this.#entries.delete(index);
  }

  /** Notes that the output of a block is not stored. */
  defer(block: ConvBlock): void {
    this.#deferred.set(block.top, block);
  }

  /** The block whose output at a layer is not stored. */
  deferredAt(index: number): ConvBlock | undefined {
    return this.#deferred.get(index);
  }

  /** Indices of the outputs that are there, in layer order. */
  indices(): number[] {
    return [...this.#entries.keys()].sort((a, b) => a - b);
  }

  /** Hands a layer's output to the caller, who frees it. */
  take(index: number): T {
    const tensor = this.get(index);
    this.#entries.delete(index);
    return tensor;
  }

  putExtras(index: number, tensors: readonly T[]): void {
    this.#extras.set(index, tensors);
  }

  /** The extras of a layer, which stay. */
  extras(index: number): readonly T[] {
    return this.#extras.get(index) ?? [];
  }

  /** Hands the extras of a layer to the caller, who frees them. */
  takeExtras(index: number): readonly T[] {
    const tensors = this.#extras.get(index) ?? [];
    this.#extras.delete(index);
    return tensors;
  }

  /** Frees everything, after an error or an abandoned pass. */
  dispose(): void {
    for (const { tensor } of this.#entries.values()) this.#kernels.dispose(tensor);
    for (const tensors of this.#extras.values()) for (const tensor of tensors) this.#kernels.dispose(tensor);
    this.#entries.clear();
    this.#extras.clear();
  }
}
