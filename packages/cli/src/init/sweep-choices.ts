import { FORMATS, type SweepInput } from "@thaw/core";
import { BLOCK_RATE, type Choice, type ChosenSpec, HEAD_RATE } from "./spec-choices.ts";

/** A sweep with the reasons for what it varies. */
export interface ChosenSweep {
  readonly sweep: SweepInput;
  readonly choices: readonly Choice[];
}

/** Layers frozen: nothing, a third, two thirds; the head alone comes beside them at a rate of its own. */
const DEPTHS = [100, 50, 0];
/** Rate for pretrained layers where no head was trained before: a compromise between theirs and the head's. */
const JOINT_RATE = 1e-4;
/** Below, a row's validation accuracy is known to ±8 percentage points or worse. */
const ENOUGH_TO_CHOOSE = 100;
/** With a new head, 1e-5 moves nothing in a few hundred steps; once the head is trained, 1e-3 undoes what it reads. */
const JOINT_RATES = [1e-3, 3e-4, 1e-4, 3e-5];
const BLOCK_RATES = [1e-4, 3e-5, 1e-5];

function rateText(rate: number): string {
  return rate.toExponential();
}

/** A sweep over how much is frozen, then over the learning rate at the best depth. */
export function chooseSweep({ spec, layers, validationImages }: ChosenSpec, name: string): ChosenSweep {
  const trainsBlocks = spec.phases !== undefined;
  const rates = trainsBlocks ? BLOCK_RATES : JOINT_RATES;
  const depthRate = trainsBlocks ? BLOCK_RATE : JOINT_RATE;
  const sweep: SweepInput = {
    version: FORMATS.sweep.version,
    name,
    experiment: spec,
    groups: [
      {
        name: "depth",
        cells: [
          { freeze: layers, learningRate: HEAD_RATE },
          ...DEPTHS.map((freeze) => ({ freeze, learningRate: depthRate })),
        ],
      },
      { name: "rate", bestOf: "depth", vary: { learningRate: rates } },
    ],
  };
  const first = trainsBlocks ? " after the head was trained alone" : "";
  const step = (100 / validationImages).toFixed(1);
  const doubt =
    validationImages < ENOUGH_TO_CHOOSE
      ? ` But of ${validationImages} validation images each is worth ${step} percentage points: rows that differ by two or three of them are equal, until several seeds say otherwise.`
      : "";
  return {
    sweep,
    choices: [
      {
        field: "groups.depth",
        value: `freeze ${[layers, ...DEPTHS].join(", ")}`,
        why: `${layers} trains the head alone (rate ${rateText(HEAD_RATE)}), 0 trains everything; the others train at ${rateText(depthRate)}${first}, since large steps destroy what pretrained layers know, and small ones never move a new head.`,
      },
      {
        field: "groups.rate",
        value: `learningRate ${rates.map(rateText).join(", ")}`,
        why: `At the depth with the best validation accuracy. Choose by validation; the test accuracy of the chosen row is what to expect of new photos.${doubt}`,
      },
    ],
  };
}
