import { ThawError } from "../error.ts";
import { buildNetwork } from "../model/network.ts";
import { type NamedTensors, parseSafetensors, safetensorsMetadata, writeSafetensors } from "../model/safetensors.ts";
import { sha256 } from "../spec/hash.ts";
import { parseSpec } from "../spec/parse.ts";
import type { Result } from "./result.ts";

/** Where a saved model's record lies in the file's `__metadata__`. */
const METADATA_KEY = "thaw";

/** What a saved model says of itself: the result of the run that made it, without what only its report reads. */
export type ModelRecord = Omit<
  Result,
  "steps" | "trace" | "cache" | "predictions" | "certainty" | "timing" | "memory" | "data"
> & { readonly data: Omit<Result["data"], "heldOut"> };

/** A trained network that knows where it comes from. */
export interface SavedModel {
  readonly record: ModelRecord;
  /** Every weight of base and head, by Keras's names (`block_1_expand/kernel`). */
  readonly weights: NamedTensors;
}

function recordOf(result: Result): ModelRecord {
  const { steps, trace, cache, predictions, certainty, timing, memory, data, ...rest } = result;
  const { heldOut, ...counts } = data; // file names stay at home
  return { ...rest, data: counts };
}

/**
 * Makes a saved model: a safetensors file with Keras's names that any reader opens, and the run's record beside them.
 * @param weights final weights as the run exported them
 */
export function writeSavedModel(result: Result, weights: NamedTensors): Uint8Array {
  return writeSafetensors(weights, { [METADATA_KEY]: JSON.stringify(recordOf(result)) });
}

function invalid(where: string, problem: string): ThawError {
  return new ThawError("model-invalid", `${where}: ${problem}.`, {
    hint: "A saved model is made by `thaw run SPEC --save-model FILE` or `thaw sweep … --save-models`.",
  });
}

function parseRecord(text: string, where: string): ModelRecord {
  let record: Partial<ModelRecord> | null;
  try {
    record = JSON.parse(text) as Partial<ModelRecord> | null;
  } catch {
    throw invalid(where, `its record (__metadata__.${METADATA_KEY}) is no JSON`);
  }
  if (record?.version !== 1) throw invalid(where, `its record has version ${record?.version ?? "none"}; expected 1`);
  const { classes } = record.data ?? {};
  if (!Array.isArray(classes) || classes.length < 2 || classes.some((name) => typeof name !== "string")) {
    throw invalid(where, "its record names no classes");
  }
  if (!Array.isArray(record.phases) || record.phases.length === 0) throw invalid(where, "its record has no phases");
  if (typeof record.digests?.final !== "string") throw invalid(where, "its record has no digest of the weights");
  const spec = parseSpec(record.spec, { where: `${where}, spec` });
  return { ...(record as ModelRecord), spec };
}

function checkShapes({ record, weights }: SavedModel, where: string): void {
  for (const layer of buildNetwork(record.spec.model, record.data.classes.length).layers) {
    for (const { name, shape } of layer.weights) {
      const found = weights.get(`${layer.name}/${name}`);
      const expected = `expected float32 [${shape.join(", ")}]`;
      if (found === undefined) throw invalid(where, `tensor "${layer.name}/${name}" is missing; ${expected}`);
      if (found.dtype !== "float32" || found.shape.join() !== shape.join()) {
        const is = `${found.dtype} [${found.shape.join(", ")}]`;
        throw invalid(where, `tensor "${layer.name}/${name}" is ${is}; ${expected}`);
      }
    }
  }
}

/**
 * Reads a saved model and checks its weights against its layer table and its digest.
 * @param bytes the whole file
 * @param where what error messages call the file
 * @throws ThawError `safetensors-invalid`, `model-invalid`, `spec-invalid`
 */
export async function readSavedModel(bytes: Uint8Array, where: string): Promise<SavedModel> {
  const text = safetensorsMetadata(bytes, where).get(METADATA_KEY);
  if (text === undefined) throw invalid(where, "a safetensors file, but no saved model: it has weights and no record");
  const model = { record: parseRecord(text, where), weights: parseSafetensors(bytes, where) };
  checkShapes(model, where);
  const digest = await sha256(writeSafetensors(model.weights));
  if (digest !== model.record.digests.final) {
    throw invalid(where, `the weights have SHA-256 ${digest}, the record says ${model.record.digests.final}`);
  }
  return model;
}
