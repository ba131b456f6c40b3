import { parseSpec, type Spec, type WeightsSource } from "@thaw/core";
import type { SquareRule } from "../photos/pixels.ts";

/** What the visitor chooses beside photos and weights. */
export interface Settings {
  readonly freeze: number;
  readonly learningRate: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Pixels. */
  readonly imageSize: number;
  readonly square: SquareRule;
  readonly batchNorm: Spec["batchNorm"];
  /** Share of the photos that is held out. */
  readonly validation: number;
  readonly flip: boolean;
}

/** What the spec calls the photos; the page offers them for download under this name. */
export const PHOTOS_FILE = "photos.safetensors";

/**
 * The experiment as core's spec.
 * @throws ThawError `spec-invalid`
 */
export function specOf(
  settings: Settings,
  classes: readonly string[],
  weights: { readonly named: WeightsSource; readonly alpha: number },
): Spec {
  const { freeze, learningRate, epochs, batchSize, seed, imageSize, batchNorm, validation, flip } = settings;
  return parseSpec(
    {
      version: 1,
      name: "browser-demo",
      model: { alpha: weights.alpha, imageSize, weights: weights.named },
      data: { kind: "tensors", file: PHOTOS_FILE, classes },
      split: { validation, by: "stratified" },
      freeze,
      batchNorm,
      optimizer: { name: "adam", learningRate },
      batchSize,
      epochs,
      seed,
      augmentation: { horizontalFlip: flip },
    },
    { where: "settings" },
  );
}
