import { type CacheBudget, ThawError } from "@thaw/core";

/** The cache's options as they are typed. */
export interface CacheOptions {
  readonly cacheBytes: string;
  readonly cacheDisk: string;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

function bytesOf(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const unit = UNITS[match?.[2]?.toUpperCase() ?? ""];
  if (match !== null && unit !== undefined) return Math.floor(Number(match[1]) * unit);
  throw new ThawError("option-invalid", `${option}: "${text}" is no size.`, {
    hint: "Give bytes, or a number with K, M, G or T: 512M, 2G; 0 keeps nothing there.",
  });
}

/**
 * What a run may spend on outputs of frozen layers.
 * @throws ThawError `option-invalid`
 */
export function cacheBudget({ cacheBytes, cacheDisk }: CacheOptions): CacheBudget {
  return { memoryBytes: bytesOf("--cache-bytes", cacheBytes), diskBytes: bytesOf("--cache-disk", cacheDisk) };
}
