import { type Outcome, type Plan, parseSafetensors, writeSafetensors } from "@thaw/core";
import { element } from "../page/element.ts";
import type { RunInputs } from "../training/run-inputs.ts";
import { PHOTOS_FILE } from "../training/settings.ts";
import { savedModelMetadata } from "./saved-model-metadata.ts";

/** Saves bytes or text as a file of the visitor's. */
export function saveFile(name: string, content: Uint8Array | string): void {
  const blob = new Blob([content as Uint8Array<ArrayBuffer> | string], { type: "application/octet-stream" });
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser reads it behind the click
}

/** The trained network as a safetensors file with Keras's names. */
export function modelFile(plan: Plan, outcome: Outcome, weights: Uint8Array): Uint8Array {
  const { spec, dataset } = plan;
  const metadata = savedModelMetadata({ spec, classes: dataset.classes, metrics: outcome.final });
  return writeSafetensors(parseSafetensors(weights, "the trained weights"), metadata);
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
