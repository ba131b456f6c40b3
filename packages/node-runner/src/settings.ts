import { availableParallelism } from "node:os";
import { type EngineSettings, nearest, ThawError } from "@thaw/core";

/** How libtensorflow is set up; recorded with every result. */
export interface NodeSettings {
  /** Threads inside an operation. Changing it changes the order of sums, and so the last bits. */
  readonly threads: number;
  /** oneDNN kernels: faster on most processors, with other last bits. */
  readonly oneDnn: boolean;
  /** TF32 products on NVIDIA GPUs: off for parity. */
  readonly tf32: boolean;
  /** Names of fused kernels to replace by the plain ones, separated by commas; `all` for every one. */
  readonly plainKernels: string;
}

const DEFAULTS: NodeSettings = { threads: availableParallelism(), oneDnn: true, tf32: false, plainKernels: "" };

function wrong(key: string, value: unknown, expected: string): never {
  throw new ThawError(
    "setting-invalid",
    `Setting ${key} of runner "node" is ${JSON.stringify(value)}, expected ${expected}.`,
    {
      hint: `Settings: threads (1 to 256), oneDnn, tf32 (true or false), plainKernels.`,
    },
  );
}

/**
 * Fills in the defaults of the node runner's settings.
 * @throws ThawError `setting-invalid` for a name or value that does not exist
 */
export function nodeSettings(settings: EngineSettings): NodeSettings {
  for (const key of Object.keys(settings)) {
    if (key in DEFAULTS) continue;
    const [near] = nearest(key, Object.keys(DEFAULTS));
    throw new ThawError("setting-invalid", `Runner "node" has no setting "${key}".`, {
      hint: near === undefined ? `It has ${Object.keys(DEFAULTS).join(", ")}.` : `Did you mean "${near}"?`,
    });
  }
  const merged = { ...DEFAULTS, ...settings } as Readonly<Record<keyof NodeSettings, unknown>>;
  const { threads, oneDnn, tf32, plainKernels } = merged;
  if (typeof threads !== "number" || !Number.isInteger(threads) || threads < 1 || threads > 256) {
    return wrong("threads", threads, "an integer from 1 to 256");
  }
  if (typeof oneDnn !== "boolean") return wrong("oneDnn", oneDnn, "true or false");
  if (typeof tf32 !== "boolean") return wrong("tf32", tf32, "true or false");
  if (typeof plainKernels !== "string") return wrong("plainKernels", plainKernels, "names separated by commas");
  return { threads, oneDnn, tf32, plainKernels };
}
