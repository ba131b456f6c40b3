import { NOT_FINITE } from "../parity/report.ts";
import { type Document, isDocument, type UpgradeStep } from "./format.ts";

// Steps from one version to the next. They get whatever lies in a file, so they change what they know and pass on the rest.

/** Changes a field where it is there. */
function changed(document: unknown, key: string, change: (value: unknown) => unknown): unknown {
  if (!isDocument(document) || !Object.hasOwn(document, key)) return document;
  return { ...document, [key]: change(document[key]) };
}

function changedAll(document: unknown, keys: readonly string[], change: (value: unknown) => unknown): unknown {
  return keys.reduce((current, key) => changed(current, key, change), document);
}

function eachOf(list: unknown, change: (value: unknown) => unknown): unknown {
  return Array.isArray(list) ? list.map(change) : list;
}

/** At first nobody asked a GPU for its driver; empty says that it is not told. */
function withDriver(environment: unknown): unknown {
  return changed(environment, "adapter", (adapter) => (isDocument(adapter) ? { driver: "", ...adapter } : adapter));
}

/** At first a loss beyond all numbers did not stop a run where it came up in validation; JSON has null for it. */
function withFiniteLoss(metrics: unknown): unknown {
  return changed(metrics, "loss", (loss) => loss ?? NOT_FINITE);
}

/** Version 2 of a result has every loss as a number, and the driver of its GPU. */
export const resultOfTwo: UpgradeStep = (document) => {
  const parts = ["train", "validation", "test"];
  const ofParts = (metrics: unknown): unknown => changedAll(metrics, parts, withFiniteLoss);
  const withEnvironment = changed(document, "environment", withDriver);
  const withEpochs = changed(withEnvironment, "epochs", (epochs) => eachOf(epochs, ofParts));
  return changed(withEpochs, "final", ofParts) as Document;
};

/** A self-noise that is no number says nothing: version 2 of a parity report leaves it out. */
function withoutNullNoise(point: unknown): unknown {
  if (!isDocument(point) || point.selfNoise !== null) return point;
  const { selfNoise: _none, ...rest } = point;
  return rest;
}

export const parityReportOfTwo: UpgradeStep = (document) =>
  changed(document, "results", (results) =>
    eachOf(results, (result) => changed(result, "curve", (curve) => eachOf(curve, withoutNullNoise))),
  ) as Document;
