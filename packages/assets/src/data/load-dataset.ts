import type { DataSpec } from "@thaw/core";
import { loadFashionShoes } from "./fashion-shoes.ts";
import { loadFolder } from "./folder.ts";
import type { LoadedDataset, LoadOptions } from "./load-options.ts";
import { loadShoes } from "./shoes.ts";
import { loadTensors } from "./tensors.ts";

/**
 * Loads the data of a spec into the store: decoded and resized once, uint8 RGB shards named by their hash.
 * A set that was loaded before, with the same files, size and options, is found again and not decoded.
 * @throws ThawError with what is wrong and where; see the loader of each kind
 */
export async function loadDataset(spec: DataSpec, options: LoadOptions): Promise<LoadedDataset> {
  switch (spec.kind) {
    case "folder":
      return loadFolder(spec, options);
    case "tensors":
      return loadTensors(spec, options);
    case "builtin":
      return spec.name === "shoes" ? loadShoes(spec, options) : loadFashionShoes(spec, options);
  }
}
