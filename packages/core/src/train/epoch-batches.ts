import { drawChanges, type ImageChange, type ImageStore } from "../data/images.ts";
import { type RandomState, type RandomStream, randomStream, resumeStream } from "../data/random.ts";
import type { Plan } from "../plan/plan.ts";
import { type FeatureBatch, imageKey } from "./frozen-features.ts";

/** The order of the training images in an epoch; each epoch has a stream of its own, so that a run can resume. */
export function epochOrder(train: readonly number[], shuffle: boolean, seed: number, epoch: number): readonly number[] {
  return shuffle ? randomStream(seed, `order/${epoch}`).shuffle([...train]) : train;
}

/** How far an epoch is. */
export interface EpochPlace {
  /** Batches that were given. */
  readonly batches: number;
  /** Where the random numbers of augmentation stand; null without augmentation. */
  readonly random: RandomState | null;
}

/** Images that training or evaluation takes at once. */
export interface ImageBatch {
  readonly indices: readonly number[];
  /** Of each image; absent where none is changed. */
  readonly changes?: readonly ImageChange[];
  /** As the frozen prefix sees it. */
  readonly shown: FeatureBatch;
}

/** Puts a batch together; its pixels are read when they are asked for. */
export function imageBatch(
  images: ImageStore,
  indices: readonly number[],
  changes?: readonly ImageChange[],
): ImageBatch {
  const pixels: FeatureBatch["pixels"] = (positions, into) => {
    const chosen = positions.map((position) => indices[position] ?? -1);
    const chosenChanges = changes && positions.map((position) => changes[position]);
    return images.pixels(chosen, chosenChanges, into);
  };
  const keys = indices.map((index, position) => imageKey(index, changes?.[position]?.flip));
  return {
    indices,
    ...(changes === undefined ? {} : { changes }),
    shown: { keys, pixels, imageShape: images.imageShape },
  };
}

/** The batches of an epoch, one after the other, from its start or from a place in it. */
export class EpochBatches {
  readonly #plan: Plan;
  readonly #images: ImageStore;
  readonly #order: readonly number[];
  readonly #random: RandomStream | undefined;
  #batches: number;

  /** @param epoch 1-based, counted over all phases */
  constructor(plan: Plan, images: ImageStore, epoch: number, from: EpochPlace = { batches: 0, random: null }) {
    const { augmentation, seed, shuffle } = plan.spec;
    this.#plan = plan;
    this.#images = images;
    this.#order = epochOrder(plan.splits.train, shuffle, seed, epoch);
    this.#batches = from.batches;
    const augments = augmentation.horizontalFlip || augmentation.maxShift > 0;
    if (from.random !== null) this.#random = resumeStream(from.random);
    else if (augments) this.#random = randomStream(seed, `augment/${epoch}`);
  }

  get place(): EpochPlace {
    return { batches: this.#batches, random: this.#random?.state() ?? null };
  }

  /** @returns undefined at the epoch's end */
  next(): ImageBatch | undefined {
    const { batchSize, augmentation } = this.#plan.spec;
    const start = this.#batches * batchSize;
    if (start >= this.#order.length) return undefined;
    this.#batches += 1;
    const indices = this.#order.slice(start, start + batchSize);
    const changes = this.#random === undefined ? undefined : drawChanges(indices.length, augmentation, this.#random);
    return imageBatch(this.#images, indices, changes);
  }
}

/** The batches of images that are held out, as evaluation takes them. */
export function* heldOutBatches(
  images: ImageStore,
  indices: readonly number[],
  batchSize: number,
): Generator<ImageBatch> {
  for (let start = 0; start < indices.length; start += batchSize) {
    yield imageBatch(images, indices.slice(start, start + batchSize));
  }
}
