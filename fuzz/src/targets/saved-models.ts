import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readModelFile } from "@thaw/cli/internals";
import {
  buildNetwork,
  FORMATS,
  initialWeights,
  type ModelRecord,
  type NamedTensors,
  networkOfModel,
  type Result,
  resolveFreeze,
  type Spec,
  sha256,
  writeSafetensors,
} from "@thaw/core";
import { exportModel, FORMAT_NAMES } from "@thaw/export";
import fc from "fast-check";
import { byteEdits, damagedBytes } from "../input/byte-edits.ts";
import { damagedDocument, documentEdits } from "../input/document-edits.ts";
import { sampleResults } from "../input/sample-results.ts";
import { SMALL_CONFIG } from "../input/small-config.ts";
import { workFolder } from "../input/work-folder.ts";
import { MEGABYTE, oneFile, type Target, target } from "../target.ts";
import { checkSafetensors } from "./safetensors.ts";

const CONFIG = { file: "config.json", json: SMALL_CONFIG };

/** A small trained model: the record of a real run, around a network of a few kilobytes. */
async function smallModel(result: Result): Promise<{ readonly record: ModelRecord; readonly weights: NamedTensors }> {
  const model = {
    architecture: "keras",
    config: "config.json",
    preprocessing: "tf",
    imageSize: 32,
    pooling: "avg",
    weights: "random",
    head: { name: "head", dropout: 0 },
  } as Spec["model"];
  const { epochs: _, ...spec } = { ...result.spec, model, freeze: 0 };
  const network = buildNetwork(model, result.data.classes.length, CONFIG);
  const weights = new Map(network.layers.flatMap((layer) => [...initialWeights(layer, 1)]));
  const phases = result.phases.map((phase) => ({
    ...phase,
    layers: resolveFreeze(0, network.base.layers, network.head, result.spec),
  }));
  const { steps, trace, cache, predictions, certainty, timing, memory, data, ...rest } = result;
  const { heldOut, ...counts } = data;
  const digests = { ...rest.digests, final: await sha256(writeSafetensors(weights)) };
  const record = {
    ...rest,
    version: FORMATS.savedModel.version,
    spec: { ...spec, epochs: result.spec.epochs },
    config: CONFIG,
    phases,
    data: counts,
    digests,
  };
  return { record, weights };
}

/** Saved models as `thaw predict` and `thaw export` read them, and everything that is exported of them. */
export async function savedModelTarget(): Promise<Target> {
  const [result] = sampleResults();
  if (result === undefined) throw new Error("There is no result to make a model of.");
  const { record, weights } = await smallModel(result);
  const fileOf = (text: string): Uint8Array => writeSafetensors(weights, { thaw: text });
  const whole = fileOf(JSON.stringify(record));
  const folder = workFolder();
  return target<Uint8Array>({
    name: "saved-model",
    share: 5,
    codes: [
      "model-invalid",
      "version-newer",
      "spec-invalid",
      "model-config-invalid",
      "model-unsupported",
      "export-unsupported",
    ],
    growthBytes: 256 * MEGABYTE,
    inputs: fc.oneof(
      { weight: 1, arbitrary: fc.constant(whole) },
      { weight: 14, arbitrary: documentEdits.map((edits) => fileOf(damagedDocument(record, edits))) },
      { weight: 5, arbitrary: byteEdits.map((edits) => damagedBytes(whole, edits, [0, 8])) },
    ),
    async read(bytes) {
      const path = join(folder, "model.safetensors");
      writeFileSync(path, bytes);
      const model = await readModelFile(path);
      checkSafetensors(bytes, model.weights);
      networkOfModel(model.record);
      for (const format of FORMAT_NAMES) {
        const options = {
          formats: [format],
          takesPixels: true,
          from: "model.safetensors",
          thawVersion: "0.1.0",
          date: new Date("2026-11-26T00:00:00Z"),
        };
        await exportModel(model, options);
      }
      return model;
    },
    files: (bytes) => oneFile("model.safetensors", bytes),
  });
}
