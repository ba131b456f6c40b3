import { shownValue } from "../clipped.ts";
import { ThawError } from "../error.ts";
import { upgraded, versionOf } from "../formats/format.ts";
import { FORMATS } from "../formats/formats.ts";
import { parseJson } from "../json.ts";
import { buildNetwork, type Network } from "../model/network.ts";
import { type NamedTensors, parseSafetensors, safetensorsMetadata, writeSafetensors } from "../model/safetensors.ts";
import { sha256 } from "../spec/hash.ts";
import { parseSpec } from "../spec/parse.ts";
import type { Spec } from "../spec/schema.ts";
import { confusionCounts } from "../train/confusion.ts";
import { shapeProblem } from "./record-parsing.ts";
import { importRecordShape, runRecordShape } from "./record-shapes.ts";
import type { Result } from "./result.ts";

/** Where a saved model's record lies in the file's `__metadata__`. */
const METADATA_KEY = "thaw";

/** What a trained model says of itself: the result of the run that made it, without what only its report reads. */
export type RunRecord = Omit<
  Result,
  "version" | "steps" | "trace" | "cache" | "predictions" | "certainty" | "timing" | "memory" | "data"
> & {
  readonly version: typeof FORMATS.savedModel.version;
  readonly data: Omit<Result["data"], "heldOut">;
  /** Images of the held-out parts by class (row) and by what was predicted (column); absent where a result does not tell. */
  readonly confusion?: { readonly validation: Confusion; readonly test: Confusion };
};

/** Counts of images: a row a class, a column a prediction. */
export type Confusion = readonly (readonly number[])[];

/** What an imported model says of itself: no run of Thaw stands behind it. */
export interface ImportRecord {
  readonly version: typeof FORMATS.savedModel.version;
  readonly thawVersion: string;
  /** ISO 8601, UTC. */
  readonly finishedAt: string;
  readonly imported: {
    /** File name. */
    readonly file: string;
    readonly sha256: string;
    /** Such as `keras-zip`. */
    readonly format: string;
    /** Layers of the file that have no part in a prediction, or whose work Thaw does itself, each with why. */
    readonly leftOut: readonly string[];
  };
  readonly spec: { readonly model: Spec["model"]; readonly data: { readonly resize: "stretch" | "crop" | "pad" } };
  readonly data: { readonly classes: readonly string[] };
  readonly digests: { readonly final: string };
}

/** What a saved model says of itself. */
export type ModelRecord = RunRecord | ImportRecord;

/** A trained network that knows where it comes from. */
export interface SavedModel {
  readonly record: ModelRecord;
  /** Every weight of base and head, by Keras's names (`block_1_expand/kernel`). */
  readonly weights: NamedTensors;
}

function recordOf(result: Result): RunRecord {
  const { steps, trace, cache, predictions, certainty, timing, memory, data, ...rest } = result;
  const { version } = FORMATS.savedModel;
  const { heldOut, ...counts } = data; // file names stay at home
  if (heldOut === undefined) return { ...rest, version, data: counts };
  const ofPart = (part: "validation" | "test"): Confusion =>
    confusionCounts(data.classes.length, heldOut[part].labels, predictions[part]);
  return { ...rest, version, data: counts, confusion: { validation: ofPart("validation"), test: ofPart("test") } };
}

/**
 * Makes a saved model: a safetensors file with Keras's names that any reader opens, and the run's record beside them.
 * @param weights final weights as the run exported them
 */
export function writeSavedModel(result: Result, weights: NamedTensors): Uint8Array {
  return writeSafetensors(weights, { [METADATA_KEY]: JSON.stringify(recordOf(result)) });
}

/**
 * Makes a saved model of weights that were not trained here.
 * @param weights every weight of base and head, float32, in layer order
 */
export async function writeImportedModel(
  record: Omit<ImportRecord, "version" | "digests">,
  weights: NamedTensors,
): Promise<Uint8Array> {
  const digests = { final: await sha256(writeSafetensors(weights)) };
  const whole: ImportRecord = { version: FORMATS.savedModel.version, ...record, digests };
  return writeSafetensors(weights, { [METADATA_KEY]: JSON.stringify(whole) });
}

/** How images of any size become the network's; undefined where it was trained on tensors that had its size. */
export function resizeOf({ spec: { data } }: ModelRecord): ImportRecord["spec"]["data"]["resize"] | undefined {
  return "resize" in data ? data.resize : undefined;
}

function invalid(where: string, problem: string): ThawError {
  return new ThawError("model-invalid", `${where}: ${problem}.`, {
    hint: "A saved model is made by `thaw run SPEC --save-model FILE`, `thaw sweep … --save-models` or `thaw import`.",
  });
}

/** An imported model has no run, but its network and the way its images are made are checked like a spec's. */
function parseImport(record: ImportRecord, where: string): ImportRecord {
  const shape = importRecordShape.safeParse(record);
  if (!shape.success) {
    throw invalid(where, `its record does not say what it was imported from: ${shapeProblem(shape.error)}`);
  }
  const { model, data } = parseSpec(
    {
      version: FORMATS.spec.version,
      name: "imported",
      model: record.spec?.model,
      data: { kind: "folder", path: "none", resize: record.spec?.data?.resize },
    },
    { where: `${where}, spec` },
  );
  if (model.architecture === "keras") throw invalid(where, "its record has no configuration of its network");
  return { ...record, spec: { model, data: { resize: "resize" in data ? data.resize : "stretch" } } };
}

function parseRecord(document: unknown, where: string): ModelRecord {
  const record = upgraded(FORMATS.savedModel, document, where) as Partial<RunRecord & ImportRecord> | null;
  const { version } = FORMATS.savedModel;
  if (record?.version !== version) {
    const found = record?.version === undefined ? "no version" : `version ${shownValue(record.version)}`;
    throw invalid(where, `its record has ${found}; expected version ${version}`);
  }
  const { classes } = record.data ?? {};
  if (!Array.isArray(classes) || classes.length < 2 || classes.some((name) => typeof name !== "string")) {
    throw invalid(where, "its record names no classes");
  }
  if (typeof record.digests?.final !== "string") throw invalid(where, "its record has no digest of the weights");
  if (record.imported !== undefined) return parseImport(record as ImportRecord, where);
  if (!Array.isArray(record.phases) || record.phases.length === 0) throw invalid(where, "its record has no phases");
  const shape = runRecordShape.safeParse(record);
  if (!shape.success) throw invalid(where, `its record is not that of a run: ${shapeProblem(shape.error)}`);
  const spec = parseSpec(record.spec, { where: `${where}, spec` });
  if (spec.model.architecture === "keras" && record.config === undefined) {
    throw invalid(where, "its record has no configuration of its network");
  }
  return { ...(record as RunRecord), spec };
}

/** The network of a saved model. @throws ThawError `model-config-invalid`, `model-unsupported` */
export function networkOfModel(record: ModelRecord): Network {
  const config = "imported" in record ? undefined : record.config;
  return buildNetwork(record.spec.model, record.data.classes.length, config);
}

/** The record as it lies in a file. @returns undefined where the file has weights alone */
function rawRecord(bytes: Uint8Array, where: string): unknown {
  const text = safetensorsMetadata(bytes, where).get(METADATA_KEY);
  if (text === undefined) return undefined;
  try {
    return parseJson(text);
  } catch (cause) {
    throw invalid(
      where,
      `its record (__metadata__.${METADATA_KEY}) is no JSON that is read: ${(cause as Error).message}`,
    );
  }
}

/**
 * Which version of the format a saved model's record has; undefined for a file that is no saved model.
 * @throws ThawError `safetensors-invalid`, `model-invalid`
 */
export function savedModelVersion(bytes: Uint8Array, where: string): number | undefined {
  return versionOf(rawRecord(bytes, where));
}

/**
 * The file of today's version of an older saved model, its weights as they are; null where it is of today's.
 * @throws ThawError `safetensors-invalid`, `model-invalid`, `version-newer`
 */
export function upgradedModel(bytes: Uint8Array, where: string): Uint8Array | null {
  const record = rawRecord(bytes, where);
  const current = upgraded(FORMATS.savedModel, record, where);
  if (current === record) return null;
  const metadata = {
    ...Object.fromEntries(safetensorsMetadata(bytes, where)),
    [METADATA_KEY]: JSON.stringify(current),
  };
  return writeSafetensors(parseSafetensors(bytes, where), metadata);
}

function checkShapes({ record, weights }: SavedModel, where: string): void {
  for (const layer of networkOfModel(record).layers) {
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
 * Reads a saved model, trained or imported, and checks its weights against its layer table and its digest.
 * @param bytes the whole file
 * @param where what error messages call the file
 * @throws ThawError `safetensors-invalid`, `model-invalid`, `version-newer`, `spec-invalid`
 */
export async function readSavedModel(bytes: Uint8Array, where: string): Promise<SavedModel> {
  const record = rawRecord(bytes, where);
  if (record === undefined)
    throw invalid(where, "a safetensors file, but no saved model: it has weights and no record");
  const model = { record: parseRecord(record, where), weights: parseSafetensors(bytes, where) };
  checkShapes(model, where);
  const digest = await sha256(writeSafetensors(model.weights));
  if (digest !== model.record.digests.final) {
    throw invalid(where, `the weights have SHA-256 ${digest}, the record says ${model.record.digests.final}`);
  }
  return model;
}
