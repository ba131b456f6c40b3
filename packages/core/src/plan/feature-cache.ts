import { sizeOf } from "../model/layer.ts";
import type { Spec } from "../spec/schema.ts";
import { crossingAt, type PassStep } from "./pass.ts";
import { planPrefix } from "./prefix.ts";

/** What a run may spend on keeping the frozen prefix's outputs. */
export interface CacheBudget {
  /** Memory, bytes; 0 keeps nothing in memory. */
  readonly memoryBytes: number;
  /** Disk, bytes; 0 keeps nothing there. */
  readonly diskBytes: number;
}

/** Without a budget of the user's. */
export const DEFAULT_CACHE_BUDGET: CacheBudget = { memoryBytes: 2 ** 30, diskBytes: 0 };

/** What is kept of the frozen prefix, and what it saves. */
export interface FeatureCachePlan {
  readonly where: "memory" | "disk" | "nowhere";
  /** Index of the layer in front of which the outputs are kept; where nothing is kept, that of the boundary. */
  readonly cut: number;
  /** Name of that layer. */
  readonly layer: string;
  /** Layers whose outputs are kept, with their shapes for one image. */
  readonly tensors: readonly { readonly index: number; readonly layer: string; readonly shape: readonly number[] }[];
  readonly bytesPerImage: number;
  /** Images that are seen again and again: those to train on, each flipped one apart, and those to validate with. */
  readonly images: number;
  /** Images for which there is room; fewer than `images`: the others are computed every time. */
  readonly keeps: number;
  /** Multiply-accumulates of one image that every epoch after the first is spared. */
  readonly savedMacs: number;
  /** Multiply-accumulates between what is kept and the boundary, done every time. */
  readonly recomputedMacs: number;
  /** In words: why there, or why not at all. */
  readonly reason: string;
}

/** Multiply-accumulates in the time that it takes to fetch a byte: processors do 20 to 60 G of them and copy 5 to 20 GB a second. */
const MACS_PER_MEMORY_BYTE = 5;
/** A disk that reads 1 GB a second, checked by a hash on the way. */
const MACS_PER_DISK_BYTE = 50;

function perBatch({ layer }: PassStep): string {
  return `"${layer.name}" normalises by the statistics of each batch (frozenBatchNorm: "batch-stats"): its output is another one in every batch`;
}

/** Part of the prefix's work that keeping an image's outputs must spare it. */
const WORTH_WHILE = 0.5;

/** Names the reason why a prefix has no outputs to keep; undefined where it has. */
function obstacle(steps: readonly PassStep[], boundary: number, spec: Spec, epochs: number): string | undefined {
  if (!steps.slice(0, boundary).some(({ layer }) => layer.macs > 0)) {
    const first = steps[boundary];
    if (first?.batchNormMode === "batch-stats" && !first.trains) return perBatch(first);
    return "no layer with weights is frozen below everything that trains";
  }
  if (spec.augmentation.maxShift > 0) {
    return "augmentation.maxShift moves every image at random: no two epochs see the same one";
  }
  if (epochs < 2) return "one epoch sees each image once";
  return undefined;
}

interface Candidate {
  readonly cut: number;
  readonly tensors: FeatureCachePlan["tensors"];
  readonly bytesPerImage: number;
  readonly recomputedMacs: number;
}

function candidates(steps: readonly PassStep[], boundary: number): Candidate[] {
  return planPrefix(steps, boundary).map(({ output }) => {
    const cut = output + 1;
    const tensors = [...crossingAt(steps, cut)]
      .sort((a, b) => a - b)
      .map((index) => ({ index, layer: steps[index]?.layer.name ?? "", shape: steps[index]?.layer.outputShape ?? [] }));
    const bytesPerImage = tensors.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
    const recomputedMacs = steps.slice(cut, boundary).reduce((sum, { layer }) => sum + layer.macs, 0);
    return { cut, tensors, bytesPerImage, recomputedMacs };
  });
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** What a phase of training looks at. */
export interface PhaseData {
  readonly trainImages: number;
  readonly validationImages: number;
  readonly epochs: number;
}

/**
 * Chooses what to keep of the frozen prefix: at the boundary or below it, where the outputs are smaller and a few
 * layers are computed again.
 * @param boundary index of the first layer that is no function of the image alone (`staticPrefix`)
 */
export function planFeatureCache(
  steps: readonly PassStep[],
  boundary: number,
  spec: Spec,
  { trainImages, validationImages, epochs }: PhaseData,
  budget: CacheBudget,
): FeatureCachePlan {
  const variants = trainImages * (spec.augmentation.horizontalFlip ? 2 : 1) + validationImages;
  const prefixMacs = steps.slice(0, boundary).reduce((sum, { layer }) => sum + layer.macs, 0);
  const nowhere = (reason: string): FeatureCachePlan => ({
    where: "nowhere",
    cut: boundary,
    layer: steps[boundary]?.layer.name ?? "",
    tensors: [],
    bytesPerImage: 0,
    images: variants,
    keeps: 0,
    savedMacs: 0,
    recomputedMacs: prefixMacs,
    reason,
  });
  const why = obstacle(steps, boundary, spec, epochs);
  if (why !== undefined) return nowhere(why);

  const cuts = candidates(steps, boundary);
  const choices = cuts.flatMap((candidate) => {
    const places = [
      { where: "memory", room: budget.memoryBytes, macsPerByte: MACS_PER_MEMORY_BYTE },
      { where: "disk", room: budget.diskBytes, macsPerByte: MACS_PER_DISK_BYTE },
    ] as const;
    return places.map(({ where, room, macsPerByte }) => {
      const keeps = Math.min(variants, Math.floor(room / candidate.bytesPerImage));
      const share = keeps / variants;
      const kept = candidate.recomputedMacs + candidate.bytesPerImage * macsPerByte;
      return { ...candidate, where, keeps, cost: share * kept + (1 - share) * prefixMacs };
    });
  });
  const best = choices.reduce((least, choice) => (choice.cost < least.cost ? choice : least));
  if (best.keeps === 0 || prefixMacs - best.cost < WORTH_WHILE * (best.keeps / variants) * prefixMacs) {
    const first = steps[boundary];
    if (first?.batchNormMode === "batch-stats" && !first.trains) return nowhere(perBatch(first));
    const smallest = choices.reduce((least, choice) => (choice.bytesPerImage < least.bytesPerImage ? choice : least));
    const needs = megabytes(smallest.bytesPerImage * variants);
    return nowhere(`it would cost more than it saves, or there is no room: ${needs} are wanted at the least`);
  }
  const { cut, tensors, bytesPerImage, recomputedMacs, where, keeps } = best;
  const exact = cuts.at(-1);
  const below =
    exact !== undefined && exact.bytesPerImage > bytesPerImage
      ? `; at the boundary itself it would be ${megabytes(exact.bytesPerImage * variants)}, and ${(recomputedMacs / 1e6).toFixed(1)} M multiply-accumulates an image are done again instead`
      : "";
  const part = keeps < variants ? `, ${keeps} of ${variants} images: the others are computed every time` : "";
  return {
    where,
    cut,
    layer: steps[cut]?.layer.name ?? "",
    tensors,
    bytesPerImage,
    images: variants,
    keeps,
    savedMacs: prefixMacs - recomputedMacs,
    recomputedMacs,
    reason: `${megabytes(bytesPerImage * keeps)} in ${where === "memory" ? "memory" : "files"}${part}${below}`,
  };
}
