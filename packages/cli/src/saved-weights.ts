import { existsSync, statSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseSafetensors, type Result, sha256, ThawError, writeSavedModel } from "@thaw/core";
import { writeWholeFile } from "./whole-file.ts";

/** Where a cell's final weights go. */
export interface WeightsOptions {
  /** Bare weights, safetensors. */
  readonly exportWeights?: string;
  /** The model: weights with the record of the run. */
  readonly saveModel?: string;
  /** Saves the model next to the cell's result. */
  readonly saveModelBeside?: boolean;
}

/** The files of one cell's weights. */
export interface WeightsFiles {
  /** What the runner writes, on the way to the others; it stays until they are there. */
  readonly part: string;
  /** Absolute paths of what is asked for. */
  readonly weights: string | undefined;
  readonly model: string | undefined;
  /** Whether the model may take the place of an earlier one: it lies beside the cell's result, under its name. */
  readonly isBeside: boolean;
}

/** Whether a file is somebody's work: an empty one is what mktemp leaves. */
function isTaken(file: string): boolean {
  return existsSync(file) && statSync(file).size > 0;
}

function refuseTaken(file: string, option: string): void {
  if (!isTaken(file)) return;
  throw new ThawError("result-exists", `${file} exists; weights are never overwritten.`, {
    hint: `Choose another file for ${option}.`,
  });
}

/** The file of a model beside its cell's result. */
export function modelFileOf(outDir: string, cell: string): string {
  return join(outDir, `${cell}.model.safetensors`);
}

/** Says which files a cell's weights go to. */
export function weightsFiles(options: WeightsOptions, outDir: string, cell: string): WeightsFiles {
  const { exportWeights, saveModel, saveModelBeside: isBeside = false } = options;
  const model = isBeside ? modelFileOf(outDir, cell) : saveModel;
  return {
    part: join(outDir, `${cell}.weights.part`),
    weights: exportWeights === undefined ? undefined : resolve(exportWeights),
    model: model === undefined ? undefined : resolve(model),
    isBeside,
  };
}

/** Whether a runner has to write weights. */
export function wantsWeights({ weights, model }: WeightsFiles): boolean {
  return weights !== undefined || model !== undefined;
}

/**
 * Looks at the targets and makes their folders before a cell is run, or the run would fail at its end.
 * @throws ThawError `result-exists`
 */
export async function prepareWeights({ weights, model, isBeside }: WeightsFiles): Promise<void> {
  if (weights !== undefined) refuseTaken(weights, "--export-weights");
  if (model !== undefined && !isBeside) refuseTaken(model, "--save-model");
  for (const file of [weights, model]) if (file !== undefined) await mkdir(dirname(file), { recursive: true });
}

/** Writes a file that nobody's work may stand in the place of, unless it is the very same. */
async function place(file: string, bytes: Uint8Array, mayReplace: boolean): Promise<void> {
  if (isTaken(file) && Buffer.compare(await readFile(file), bytes) === 0) return;
  await writeWholeFile(file, bytes, {
    earlier: mayReplace || !isTaken(file) ? "replace" : "refuse",
    refusal: "weights are never overwritten",
    hint: "Check the folder's rights and the free space; the same command writes it without training again.",
  });
}

/**
 * Puts the weights of a cell whose result is written where they are asked for. May be killed at any moment, and done
 * again: what the runner wrote goes last.
 * @returns whether all that is asked for is there; false where what the runner wrote is gone, or of another run
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function deliverWeights(files: WeightsFiles, result: Result): Promise<boolean> {
  const { part, weights, model, isBeside } = files;
  if (!wantsWeights(files)) return true;
  if (weights === undefined && model !== undefined && isBeside && existsSync(model)) {
    await rm(part, { force: true });
    return true;
  }
  if (!existsSync(part)) return false;
  const bytes = await readFile(part);
  if ((await sha256(bytes)) !== result.digests.final) return false;
  if (weights !== undefined) await place(weights, bytes, false);
  if (model !== undefined) await place(model, writeSavedModel(result, parseSafetensors(bytes, part)), isBeside);
  await rm(part, { force: true });
  return true;
}
