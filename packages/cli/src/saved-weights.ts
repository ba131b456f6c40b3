import { existsSync, statSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseSafetensors, type Result, ThawError, writeSavedModel } from "@thaw/core";
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
  /** What the runner writes; undefined where nobody wants weights. */
  readonly weights: string | undefined;
  readonly model: string | undefined;
  /** Whether a result from an earlier run will do: nothing else is asked for. */
  readonly isThere: boolean;
}

function refuseTaken(file: string, option: string): void {
  // An empty file is what mktemp leaves; anything else is somebody's work.
  if (existsSync(file) && statSync(file).size > 0) {
    throw new ThawError("result-exists", `${file} exists; weights are never overwritten.`, {
      hint: `Choose another file for ${option}.`,
    });
  }
}

/** The file of a model beside its cell's result. */
export function modelFileOf(outDir: string, cell: string): string {
  return join(outDir, `${cell}.model.safetensors`);
}

/**
 * Says which files a cell's weights go to, and makes their folders, or the run would fail at its end.
 * @throws ThawError `result-exists`
 */
export async function weightsFiles(options: WeightsOptions, outDir: string, cell: string): Promise<WeightsFiles> {
  const { exportWeights, saveModel, saveModelBeside: beside = false } = options;
  const wanted = beside ? modelFileOf(outDir, cell) : saveModel;
  const model = wanted === undefined ? undefined : resolve(wanted);
  if (exportWeights !== undefined) refuseTaken(exportWeights, "--export-weights");
  if (model !== undefined && !beside) refuseTaken(model, "--save-model");
  const weights =
    exportWeights !== undefined ? resolve(exportWeights) : model === undefined ? undefined : `${model}.weights.part`;
  for (const file of [weights, model]) if (file !== undefined) await mkdir(dirname(file), { recursive: true });
  const isThere = exportWeights === undefined && (model === undefined || (beside && existsSync(model)));
  return { weights, model, isThere };
}

/** Makes the model of a finished cell from the weights that its runner wrote. @throws ThawError `result-unwritable` */
export async function saveModel({ weights, model }: WeightsFiles, result: Result): Promise<void> {
  if (weights === undefined || model === undefined) return;
  const tensors = parseSafetensors(await readFile(weights), weights);
  // What stands here is empty, or was left by a run that was killed before it wrote its result.
  await writeWholeFile(model, writeSavedModel(result, tensors), {
    earlier: "replace",
    hint: "Check the folder's rights and the free space.",
  });
}

/** Removes weights that were only needed on the way to the model. */
export async function forgetWeights({ weights, model }: WeightsFiles): Promise<void> {
  if (weights !== undefined && model !== undefined && weights === `${model}.weights.part`) {
    await rm(weights, { force: true });
  }
}
