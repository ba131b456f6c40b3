import { makePlan, type Plan } from "@thaw/core";
import type { PhotoClass } from "../photos/photo-class.ts";
import type { PhotoLink } from "../photos/photo-link.ts";
import type { BaseWeights } from "./base-weights.ts";
import { type PhotoDataset, photoDataset } from "./photo-dataset.ts";
import { type Settings, specOf } from "./settings.ts";

/** A run as the engine wants it, and what the page shows of it later. */
export interface RunInputs extends PhotoDataset {
  readonly plan: Plan;
  readonly settings: Settings;
  /** The plan's blobs by their SHA-256. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/**
 * Decodes the photos and makes core's plan.
 * @throws ThawError `too-few-photos`, `photo-unreadable`, `spec-invalid`, `freeze-invalid`, `split-invalid`
 */
export async function runInputs(
  classes: readonly PhotoClass[],
  settings: Settings,
  weights: BaseWeights,
  link: PhotoLink,
  onProgress: (done: number, total: number) => void,
): Promise<RunInputs> {
  const decoded = await photoDataset(classes, settings, link, onProgress);
  const { dataset, pixels } = decoded;
  const spec = specOf(settings, dataset.classes, weights);
  const plan = await makePlan({ spec, weights: weights.ref, headWeights: null, dataset, warnings: [] });
  const blobs = new Map<string, Uint8Array>();
  for (const [ref, bytes] of [
    [weights.ref.blob, weights.bytes],
    [dataset.shards[0], pixels],
  ] as const) {
    if (ref != null) blobs.set(ref.sha256, bytes);
  }
  return { ...decoded, plan, settings, blobs };
}
