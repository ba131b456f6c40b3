import type { Spec } from "@thaw/core";
import { byId } from "../page/element.ts";
import type { Settings } from "./settings.ts";

function numberOf(id: string): number {
  return byId(id, HTMLInputElement).valueAsNumber;
}

function chosen(id: string): string {
  return byId(id, HTMLSelectElement).value;
}

/** The settings as the form has them; the browser itself keeps numbers within their bounds. */
export function readSettings(freeze: number): Settings {
  return {
    freeze,
    learningRate: numberOf("learning-rate"),
    epochs: numberOf("epochs"),
    batchSize: numberOf("batch-size"),
    seed: numberOf("seed"),
    imageSize: Number(chosen("image-size")),
    square: chosen("square") === "crop" ? "crop" : "stretch",
    batchNorm: chosen("batch-norm") as Spec["batchNorm"],
    validation: numberOf("validation") / 100,
    flip: byId("flip", HTMLInputElement).checked,
  };
}

/** Whether every field of the form holds something it can hold; shows the first that does not. */
export function settingsAreValid(): boolean {
  const form = byId("settings", HTMLFormElement);
  if (form.checkValidity()) return true;
  byId("advanced", HTMLDetailsElement).open ||= form.querySelector("details :invalid") !== null;
  return form.reportValidity();
}
