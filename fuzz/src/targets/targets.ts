import type { Target } from "../target.ts";
import { cacheTarget, tensorsTarget } from "./data-sets.ts";
import { folderTarget, imageTarget } from "./images.ts";
import { kerasConfigTarget } from "./keras-config.ts";
import { benchTarget, parityTarget, resultTarget } from "./records.ts";
import { runnerTarget } from "./runner-messages.ts";
import { safetensorsTarget } from "./safetensors.ts";
import { savedModelTarget } from "./saved-models.ts";
import { specTarget } from "./specs.ts";
import { hdf5Target, kerasZipTarget, tfjsTarget } from "./weight-files.ts";

/** Everything that is tried, in the table's order. */
export async function loadTargets(): Promise<readonly Target[]> {
  return [
    specTarget(),
    kerasConfigTarget(),
    safetensorsTarget,
    hdf5Target(),
    kerasZipTarget(),
    tfjsTarget(),
    await savedModelTarget(),
    await imageTarget(),
    await folderTarget(),
    tensorsTarget(),
    await cacheTarget(),
    resultTarget(),
    parityTarget(),
    benchTarget(),
    runnerTarget(),
  ];
}
