import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import { type Preprocessing, sizeOf } from "../model/layer.ts";
import type { FeatureCachePlan } from "../plan/feature-cache.ts";
import type { FeatureStore } from "./feature-store.ts";
import type { PassContext } from "./forward.ts";
import type { FrozenPrefix, LiveTensors } from "./frozen-prefix.ts";
import { uploadImages } from "./image-upload.ts";

/** The key of an image as it is, or flipped. */
export function imageKey(index: number, flip = false): number {
  return 2 * index + (flip ? 1 : 0);
}

/** Images of a batch as the prefix sees them. */
export interface FeatureBatch {
  /** One for each image; equal keys are equal images. */
  readonly keys: readonly number[];
  /** Writes some of the batch's images, pixels [positions, height, width, 3] of 0…255, into an array of that size. */
  readonly pixels: (positions: readonly number[], into: Uint8Array) => Uint8Array;
  readonly imageShape: readonly number[];
}

/** What differs between an image's outputs alone and in a batch. */
export interface BatchRounding {
  readonly layer: string;
  /** Largest difference, as part of the tensor's largest value. */
  readonly worst: number;
}

/** The outputs of the frozen prefix for batches of images, kept where the plan says so. */
export class FrozenFeatures<T extends DeviceTensor> {
  readonly #context: PassContext<T>;
  readonly #prefix: FrozenPrefix<T>;
  readonly #preprocessing: Preprocessing;
  readonly #plan: FeatureCachePlan;
  readonly #store: FeatureStore | undefined;
  readonly #atOnce: number;
  /** Arrays that batches are put together in, again and again: a new one each step keeps the garbage collector busy. */
  readonly #spaces = new Map<number | "pixels" | "inputs", Uint8Array | Float32Array>();
  #compared = false;
  #rounding: BatchRounding | undefined;

  /**
   * @param preprocessing what pixels become before the network sees them
   * @param store where outputs are kept; without it they are computed every time
   * @param atOnce images that the prefix takes at once
   */
  constructor(
    context: PassContext<T>,
    prefix: FrozenPrefix<T>,
    preprocessing: Preprocessing,
    plan: FeatureCachePlan,
    store: FeatureStore | undefined,
    atOnce: number = Number.POSITIVE_INFINITY,
  ) {
    this.#context = context;
    this.#prefix = prefix;
    this.#preprocessing = preprocessing;
    this.#plan = plan;
    this.#atOnce = atOnce;
    this.#store = plan.where === "nowhere" ? undefined : store;
  }

  /** Index of the first layer above the prefix. */
  get boundary(): number {
    return this.#prefix.to;
  }

  /**
   * Outputs that cross the boundary, for the caller to free.
   * @param show is called with the output of each piece; nothing is then taken from what is kept
   */
  async of(batch: FeatureBatch, show?: (layer: string, tensor: T) => Promise<void>): Promise<Map<number, T>> {
    const { keys } = batch;
    const all = keys.map((_, position) => position);
    const { to } = this.#prefix;
    const store = this.#store;
    if (store === undefined || show !== undefined) {
      return await this.#prefix.run(0, to, new Map([[0, this.#upload(batch, all)]]), show);
    }
    const missing = all.filter((position) => !store.has(keys[position] ?? -1));
    const { cut } = this.#plan;
    if (missing.length === keys.length && keys.length <= this.#atOnce) {
      const live = await this.#prefix.run(0, cut, new Map([[0, this.#upload(batch, all)]]));
      const rows = await this.#keep(store, batch, all, live);
      await this.#compareOnce(batch, rows);
      return await this.#prefix.run(cut, to, live);
    }
    const rows = new Map<number, readonly Float32Array[]>();
    for (let start = 0; start < missing.length; start += this.#atOnce) {
      const part = missing.slice(start, start + this.#atOnce);
      const live = await this.#prefix.run(0, cut, new Map([[0, this.#upload(batch, part)]]));
      for (const [position, features] of await this.#keep(store, batch, part, live)) rows.set(position, features);
      for (const tensor of live.values()) this.#context.kernels.dispose(tensor);
    }
    await this.#compareOnce(batch, rows);
    for (const position of all) if (!rows.has(position)) rows.set(position, await store.read(keys[position] ?? -1));
    return await this.#prefix.run(cut, to, this.#assemble(rows, keys.length));
  }

  /**
   * Computes and keeps what is missing of a batch, together as {@link of} would have done.
   * @returns whether there is room for more
   */
  async fill(batch: FeatureBatch): Promise<boolean> {
    const store = this.#store;
    if (store === undefined || store.isFull()) return false;
    if (batch.keys.some((key) => !store.has(key))) {
      for (const tensor of (await this.of(batch)).values()) this.#context.kernels.dispose(tensor);
    }
    return true;
  }

  /**
   * Where this backend gives an image other bits in a batch than alone, the difference: what is kept is then not exactly
   * what would be computed. Known after the first batch was kept.
   */
  get batchRounding(): BatchRounding | undefined {
    return this.#rounding;
  }

  /** Compares the last image of the first batch with itself alone, if the whole batch was computed. */
  async #compareOnce(batch: FeatureBatch, rows: ReadonlyMap<number, readonly Float32Array[]>): Promise<void> {
    const last = batch.keys.length - 1;
    const skips = this.#compared || last < 1 || rows.size <= last;
    this.#compared = true;
    if (skips) return;
    const { cut, tensors } = this.#plan;
    const alone = await this.#prefix.run(0, cut, new Map([[0, this.#upload(batch, [last])]]));
    for (const [order, { index, layer }] of tensors.entries()) {
      const inBatch = rows.get(last)?.[order] ?? new Float32Array();
      let [difference, largest] = [0, 0];
      for (const [at, value] of (await download(this.#context.kernels, alone, index)).entries()) {
        difference = Math.max(difference, Math.abs(value - (inBatch[at] ?? 0)));
        largest = Math.max(largest, Math.abs(value));
      }
      const worst = difference / largest;
      if (difference > 0 && worst > (this.#rounding?.worst ?? 0)) this.#rounding = { layer, worst };
    }
    for (const tensor of alone.values()) this.#context.kernels.dispose(tensor);
  }

  #space<A extends Uint8Array | Float32Array>(
    name: number | "pixels" | "inputs",
    size: number,
    make: { new (size: number): A },
  ): A {
    const known = this.#spaces.get(name);
    const space = known !== undefined && known.length >= size ? known : new make(size);
    this.#spaces.set(name, space);
    return space.subarray(0, size) as A;
  }

  #upload({ pixels, imageShape }: FeatureBatch, positions: readonly number[]): T {
    const { kernels } = this.#context;
    const shape = [positions.length, ...imageShape];
    const size = sizeOf(shape);
    const bytes = pixels(positions, this.#space("pixels", size, Uint8Array));
    return uploadImages(kernels, this.#preprocessing, bytes, shape, (values) =>
      this.#space("inputs", values, Float32Array),
    );
  }

  /** Reads a batch's outputs back and keeps them. @returns them by position */
  async #keep(
    store: FeatureStore,
    { keys }: FeatureBatch,
    positions: readonly number[],
    live: LiveTensors<T>,
  ): Promise<Map<number, readonly Float32Array[]>> {
    const arrays: { values: Float32Array; size: number }[] = [];
    for (const { index, shape } of this.#plan.tensors) {
      arrays.push({ values: await download(this.#context.kernels, live, index), size: sizeOf(shape) });
    }
    const rows = new Map<number, readonly Float32Array[]>();
    for (const [row, position] of positions.entries()) {
      const features = arrays.map(({ values, size }) => values.subarray(row * size, (row + 1) * size));
      await store.write(keys[position] ?? -1, features);
      rows.set(position, features);
    }
    return rows;
  }

  #assemble(rows: ReadonlyMap<number, readonly Float32Array[]>, count: number): Map<number, T> {
    const live = new Map<number, T>();
    for (const [order, { index, shape }] of this.#plan.tensors.entries()) {
      const size = sizeOf(shape);
      const values = this.#space(index, count * size, Float32Array);
      for (const [position, features] of rows) {
        const row = features[order];
        if (row?.length !== size) throw new ThawError("internal", `Kept outputs of image ${position} are cut off.`);
        values.set(row, position * size);
      }
      const { kernels } = this.#context;
      // The array is written again for the next batch, when this one's tensors are gone.
      live.set(index, (kernels.lend ?? kernels.upload)(values, [count, ...shape]));
    }
    return live;
  }
}

async function download<T extends DeviceTensor>(
  kernels: PassContext<T>["kernels"],
  live: LiveTensors<T>,
  index: number,
): Promise<Float32Array> {
  const tensor = live.get(index);
  if (tensor === undefined) throw new ThawError("internal", `The output of layer ${index} does not cross the cut.`);
  return await kernels.download(tensor);
}
