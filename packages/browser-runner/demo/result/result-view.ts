import { type Environment, type Outcome, ThawError } from "@thaw/core";
import { byId } from "../page/element.ts";
import type { RunInputs } from "../training/run-inputs.ts";
import { classifyView } from "./classify-view.ts";
import { judge } from "./confusion.ts";
import { showConfusion } from "./confusion-view.ts";
import { modelFile, photosFile, saveFile, specFile } from "./downloads.ts";

/** A finished run. */
export interface Trained {
  readonly inputs: RunInputs;
  readonly outcome: Outcome;
  readonly environment: Environment;
  /** Final weights as safetensors. */
  readonly weights: Uint8Array;
  /** @returns a probability for each class */
  readonly classify: (file: File) => Promise<Float32Array>;
}

/** The part of the page behind the training. */
export interface ResultView {
  show(trained: Trained): void;
  hide(): void;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The result in a sentence, with a warning where it deserves one. */
function sentenceOf({ inputs, outcome }: Trained): string {
  const { validation, train } = outcome.final;
  const { plan } = inputs;
  const held = plan.splits.validation.length;
  const first =
    validation === null
      ? `${percent(train.accuracy)} of the training photos are recognised.`
      : `${percent(validation.accuracy)} of the ${held} photos that were held out are recognised, and ${percent(train.accuracy)} of the ${plan.splits.train.length} it learnt from.`;
  const doubt = outcome.underTrained
    ? " It never left chance on the photos that it learnt from: it needs more epochs, a higher learning rate or less frozen."
    : "";
  return first + doubt;
}

/** Makes the result's part of the page, hidden until there is one. */
export function resultView(): ResultView {
  const section = byId("result", HTMLElement);
  let trained: Trained | undefined;
  const whenTrained = (use: (trained: Trained) => void) => () => {
    if (trained !== undefined) use(trained);
  };
  const classify = classifyView(async (file) => {
    if (trained === undefined) throw new ThawError("internal", "Nothing is trained.");
    return { probabilities: await trained.classify(file), classes: trained.inputs.dataset.classes };
  });
  byId("save-model", HTMLButtonElement).addEventListener(
    "click",
    whenTrained(({ inputs, outcome, environment, weights }) =>
      saveFile("model.safetensors", modelFile(inputs.plan, outcome, environment, weights)),
    ),
  );
  byId("save-spec", HTMLButtonElement).addEventListener(
    "click",
    whenTrained(({ inputs }) => saveFile("experiment.json", specFile(inputs))),
  );
  byId("save-photos", HTMLButtonElement).addEventListener(
    "click",
    whenTrained(({ inputs }) => {
      const { name, bytes } = photosFile(inputs);
      saveFile(name, bytes);
    }),
  );
  return {
    show(given) {
      trained = given;
      const { plan, dataset, photos } = given.inputs;
      classify.clear();
      byId("result-sentence", HTMLParagraphElement).textContent = sentenceOf(given);
      const { validation } = given.outcome.predictions;
      showConfusion(judge(plan.splits.validation, dataset.labels, validation), dataset.classes, photos);
      section.hidden = false;
    },
    hide() {
      trained = undefined;
      section.hidden = true;
    },
  };
}
