import { join } from "node:path";
import { type CheckpointRequest, type Runner, ThawError } from "@thaw/core";
import { VERSION } from "./version.ts";

/** Options of commands whose cells leave checkpoints. */
export interface CheckpointOptions {
  /** Least seconds between two checkpoints, as written. */
  readonly checkpointEvery: string;
  /** False with `--no-checkpoints`. */
  readonly checkpoints: boolean;
}

/**
 * Least time between two checkpoints, ms; null for none.
 * @throws ThawError `option-invalid`
 */
export function checkpointEveryMs({ checkpointEvery, checkpoints }: CheckpointOptions): number | null {
  const seconds = checkpointEvery.trim() === "" ? Number.NaN : Number(checkpointEvery);
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new ThawError(
      "option-invalid",
      `--checkpoint-every: expected seconds, 0 or more, found "${checkpointEvery}".`,
      {
        hint: "0 writes a checkpoint after every step; --no-checkpoints writes none.",
      },
    );
  }
  return checkpoints ? seconds * 1000 : null;
}

/** The checkpoint of a cell lies beside its result, while there is none. */
export function checkpointFileOf(outDir: string, cell: string): string {
  return join(outDir, `${cell}.checkpoint`);
}

/** What a runner is asked to leave for the next process; undefined where it cannot, or nobody wants it. */
export function checkpointRequest(
  runner: Runner,
  outDir: string,
  cell: string,
  everyMs: number | null | undefined,
): CheckpointRequest | undefined {
  if (everyMs === null || everyMs === undefined || runner.resumes !== true) return undefined;
  return { file: checkpointFileOf(outDir, cell), everyMs, by: `thaw ${VERSION}` };
}
