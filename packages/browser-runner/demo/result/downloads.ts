import {
  type Environment,
  FORMATS,
  type Outcome,
  type Plan,
  parseSafetensors,
  resultOfPlan,
  writeSafetensors,
  writeSavedModel,
} from "@thaw/core";
import manifest from "../../package.json" with { type: "json" };
import { element } from "../page/element.ts";
import type { RunInputs } from "../training/run-inputs.ts";
import { PHOTOS_FILE } from "../training/settings.ts";

/** Saves bytes or text as a file of the visitor's. */
export function saveFile(name: string, content: Uint8Array | string): void {
  const blob = new Blob([content as Uint8Array<ArrayBuffer> | string], { type: "application/octet-stream" });
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser reads it behind the click
}

/** The trained network as a saved model, which `thaw predict` and `thaw export` take: safetensors with Keras's names. */
export function modelFile(plan: Plan, outcome: Outcome, environment: Environment, weights: Uint8Array): Uint8Array {
  const result = {
    version: FORMATS.result.version,
    cell: plan.spec.name,
    sweep: null,
    thawVersion: manifest.version,
    runner: environment.runner,
    finishedAt: new Date().toISOString(),
    ...resultOfPlan(plan),
    ...outcome,
    environment,
    warnings: [],
  } as const;
  return writeSavedModel(result, parseSafetensors(weights, "the trained weights"));
}

/** The experiment for `thaw run`: its spec, to lie beside the photos and the weights that it names. */
export function specFile({ plan }: RunInputs): string {
  return `${JSON.stringify(plan.spec, null, 2)}\n`;
}

/** The photos as the network saw them, for `thaw run`. */
export function photosFile({ dataset, pixels }: RunInputs): { readonly name: string; readonly bytes: Uint8Array } {
  const labels = Int32Array.from(dataset.labels);
  const bytes = writeSafetensors(
    new Map([
      ["images", { dtype: "uint8", shape: [labels.length, ...dataset.imageShape], data: pixels }],
      ["labels", { dtype: "int32", shape: [labels.length], data: labels }],
    ] as const),
  );
  return { name: PHOTOS_FILE, bytes };
}
