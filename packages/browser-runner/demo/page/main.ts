import { type Outcome, serializeError, ThawError } from "@thaw/core";
import "./page.css";
import type { DemoManifest } from "../build/manifest.ts";
import { freezeSlider } from "../network/freeze-slider.ts";
import { classList } from "../photos/class-list.ts";
import { offerExamples } from "../photos/examples.ts";
import { openPhotoLink } from "../photos/photo-link.ts";
import { resultView } from "../result/result-view.ts";
import { runInputs } from "../training/run-inputs.ts";
import { readSettings, settingsAreValid } from "../training/settings-form.ts";
import { doneSentence, trainingView } from "../training/training-view.ts";
import { type WeightsChoice, weightsChoice } from "../training/weights-choice.ts";
import { byId } from "./element.ts";
import { engineChoice } from "./engine-choice.ts";

/** Layers frozen to begin with: up to block 13, a good start for a few dozen photos. */
const FROZEN_AT_FIRST = 116;

/** Errors behind which an engine is of no more use. */
const BREAKS_ENGINE = /^(gpu-.*|worker-failed|internal)$/;

const photos = openPhotoLink();
const engines = engineChoice();
const training = trainingView();
const result = resultView();
const slider = freezeSlider(FROZEN_AT_FIRST);
const classes = classList(photos, drawNetwork);
const trainButton = byId("train", HTMLButtonElement);
const cancelButton = byId("cancel", HTMLButtonElement);
let weights: WeightsChoice | undefined;

/** Draws the network that the settings and classes make. */
function drawNetwork(): void {
  if (weights === undefined) return;
  const { batchNorm, imageSize } = readSettings(slider.count());
  const model = weights.model(imageSize);
  slider.setNetwork(model, Math.max(classes.classes().length, 2), { frozenBatchNorm: "inference", batchNorm });
}

/** One run, from the photos to the result. @throws whatever goes wrong on the way */
async function trainOnce(cancelled: () => boolean): Promise<string> {
  const given = readSettings(slider.count());
  const chosen = classes.classes();
  const base = await weights?.load((part) => training.prepare("Fetching the pretrained weights …", part));
  if (base === undefined) return "The page is still loading.";
  const inputs = await runInputs(chosen, given, base, photos, (done, total) =>
    training.prepare(`Reading photos: ${done} of ${total}`, done / total),
  );
  training.prepare("Waiting for the engine …");
  const engine = await engines.engine();
  if (cancelled()) return "Cancelled.";
  const onEvents = training.start(inputs.plan);
  let outcome: Outcome | undefined;
  const stop = (): void => engine.cancel();
  cancelButton.addEventListener("click", stop);
  try {
    const trained = await engine.train({ plan: inputs.plan, blobs: inputs.blobs }, (events) => {
      onEvents(events);
      for (const event of events) if (event.type === "end") outcome = event.outcome;
    });
    if (outcome === undefined) return "The run gave no result.";
    const { imageSize, square } = given;
    const classify = async (file: File): Promise<Float32Array> =>
      await engine.classify(await photos.pixels([file], imageSize, square));
    result.show({ inputs, outcome, environment: engine.environment, weights: trained, classify });
    return doneSentence(outcome);
  } finally {
    cancelButton.removeEventListener("click", stop);
  }
}

async function onTrain(): Promise<void> {
  if (!settingsAreValid()) return;
  let isCancelled = false;
  const cancel = (): void => {
    isCancelled = true;
    cancelButton.disabled = true;
  };
  cancelButton.addEventListener("click", cancel);
  training.clearFailure();
  result.hide();
  trainButton.disabled = true;
  cancelButton.disabled = false;
  try {
    training.finish(await trainOnce(() => isCancelled));
  } catch (error) {
    const { code } = serializeError(error);
    if (code === "cancelled") training.finish("Cancelled.");
    else training.fail(error);
    if (BREAKS_ENGINE.test(code)) engines.restart();
  } finally {
    cancelButton.removeEventListener("click", cancel);
    cancelButton.disabled = true;
    trainButton.disabled = false;
  }
}

async function readManifest(): Promise<DemoManifest> {
  const response = await fetch("manifest.json");
  if (!response.ok) {
    throw new ThawError("page-incomplete", `The page's server answered ${response.status} for manifest.json.`, {
      hint: "Load the page again. If it recurs, some of the page's files are missing on its server.",
    });
  }
  return (await response.json()) as DemoManifest;
}

try {
  const manifest = await readManifest();
  weights = weightsChoice(manifest.weights, drawNetwork, (error) => training.fail(error));
  if (manifest.examples !== null) offerExamples(manifest.examples, classes, (error) => training.fail(error));
  drawNetwork();
} catch (error) {
  training.fail(error);
}
byId("settings", HTMLFormElement).addEventListener("change", drawNetwork);
byId("settings", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void onTrain();
});
// A photo that misses its place must not replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
