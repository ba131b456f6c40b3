import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { readSavedModel, type SavedModel, ThawError } from "@thaw/core";

const HINT =
  "Predict and export read saved models: `thaw run SPEC --save-model FILE` makes one, `thaw import` makes one of a Keras file. Exported files are for others to read.";

/**
 * Reads a saved model from a file.
 * @throws ThawError `model-unreadable`, `model-invalid`, `spec-invalid`
 */
export async function readModelFile(file: string): Promise<SavedModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const problem = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : message;
    throw new ThawError("model-unreadable", `${file}: ${problem}.`, { hint: HINT, cause });
  }
  try {
    return await readSavedModel(bytes, basename(file));
  } catch (cause) {
    if (!(cause instanceof ThawError) || cause.code !== "safetensors-invalid") throw cause;
    throw new ThawError("model-invalid", `${file} is no saved model: ${cause.message}`, { hint: HINT, cause });
  }
}
