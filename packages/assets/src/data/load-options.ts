import type { Dataset, DataWarning } from "@thaw/core";
import type { AssetPlaces } from "../resolver.ts";
import type { Store } from "../store.ts";

/** How far a load has come, in images. */
export interface LoadProgress {
  readonly stage: "hash" | "decode";
  readonly done: number;
  readonly total: number;
}

/** Where decoded sets are kept. */
export interface DatasetCache {
  readonly store: Pick<Store, "put" | "read">;
  /** Root of the cache: indices of decoded sets lie in its `datasets` folder, downloads in `assets`. */
  readonly cacheDir: string;
}

/** What every dataset loader is given. */
export interface LoadOptions extends AssetPlaces, DatasetCache {
  /** Side of the square images, pixels. */
  readonly imageSize: number;
  /** Chooses the images of a `limit`; an integer in 0 .. 2^32 - 1. */
  readonly seed: number;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** A dataset in the store, and what its user should know about it. */
export interface LoadedDataset {
  readonly dataset: Dataset;
  readonly warnings: readonly DataWarning[];
}
