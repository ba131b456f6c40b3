import { ThawError } from "@thaw/core";

/** Weights that a page is to bring along. */
export interface WeightsOption {
  /** An id that the project knows, or a file. */
  readonly source: string;
  readonly alpha: number;
  /** Pixels: Keras publishes a file for each size; files of another kind do not care. */
  readonly imageSize: number;
}

/** What a page brings along unless it is told otherwise: a small network first, a whole one to choose. */
export const DEFAULT_WEIGHTS: readonly string[] = ["imagenet@0.35@224", "dogs-160@1@160"];

/**
 * Reads `SOURCE[@ALPHA[@SIZE]]`.
 * @throws ThawError `option-invalid`
 */
export function parseWeightsOption(text: string): WeightsOption {
  const [, source, alpha = "1", imageSize = "224"] = /^(.+?)(?:@([\d.]+)(?:@(\d+))?)?$/.exec(text) ?? [];
  if (source === undefined || Number.isNaN(Number(alpha))) {
    throw new ThawError("option-invalid", `--weights ${text} is not SOURCE[@ALPHA[@SIZE]].`, {
      hint: "For example imagenet@0.35@224, or my-weights.safetensors@1.",
    });
  }
  return { source, alpha: Number(alpha), imageSize: Number(imageSize) };
}
