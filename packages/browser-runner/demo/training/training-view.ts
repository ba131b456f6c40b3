import { type EpochRecord, type Outcome, type Plan, type RunEvent, serializeError } from "@thaw/core";
import { byId } from "../page/element.ts";
import { curveRecorder } from "./curve-points.ts";
import { curves } from "./curves.ts";
import { epochTable } from "./epoch-table.ts";
import { progressMeter, spokenTime } from "./progress.ts";

/** Where the visitor watches a run. */
export interface TrainingView {
  /** Says what goes on before the first step. */
  prepare(what: string, part?: number): void;
  /** Empties everything for a run. @returns takes its events */
  start(plan: Plan): (events: readonly RunEvent[]) => void;
  finish(said: string): void;
  /** Says in place what went wrong, and what to do. */
  fail(error: unknown): void;
  clearFailure(): void;
}

function epochSentence({ epoch, train, validation }: EpochRecord, epochs: number): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const held = validation === null ? "" : `, validation ${percent(validation.accuracy)}`;
  return `Epoch ${epoch} of ${epochs}: training accuracy ${percent(train.accuracy)}${held}.`;
}

/** Makes the view in its place on the page. */
export function trainingView(): TrainingView {
  const status = byId("training-status", HTMLParagraphElement);
  const pace = byId("training-pace", HTMLParagraphElement);
  const bar = byId("training-progress", HTMLProgressElement);
  const failure = byId("training-failure", HTMLDivElement);
  const drawn = curves();
  const table = epochTable();
  const finish = (said: string): void => {
    status.textContent = said;
    pace.textContent = "";
    bar.value = 0;
  };

  return {
    prepare(what, part) {
      status.textContent = what;
      pace.textContent = "";
      if (part === undefined) bar.removeAttribute("value");
      else bar.value = part;
    },
    start(plan) {
      const { epochs } = plan.spec;
      const stepsPerEpoch = Math.ceil(plan.splits.train.length / plan.spec.batchSize);
      const meter = progressMeter(stepsPerEpoch * epochs, epochs);
      const recorder = curveRecorder(stepsPerEpoch);
      drawn.start(epochs);
      table.clear();
      bar.value = 0;
      status.textContent = "The first step compiles the GPU's programs …";
      return (events) => {
        for (const event of events) {
          recorder.note(event);
          if (event.type === "step") meter.step(event);
          if (event.type !== "epoch") continue;
          meter.epoch(event.evaluateMs);
          table.add(event);
          status.textContent = epochSentence(event, epochs);
        }
        const { step, steps, epoch, imagesPerSecond, secondsLeft } = meter.read();
        if (step === 0) return;
        const rate =
          imagesPerSecond === null ? "" : ` · ${imagesPerSecond.toFixed(imagesPerSecond < 10 ? 1 : 0)} images/s`;
        const left = secondsLeft === null || step === steps ? "" : ` · ${spokenTime(secondsLeft)} left`;
        pace.textContent = `Epoch ${epoch}, step ${step} of ${steps}${rate}${left}`;
        bar.value = step / steps;
        drawn.show(recorder.read());
      };
    },
    finish,
    fail(error) {
      const { message, hint = "", code } = serializeError(error);
      finish("Not trained.");
      byId("failure-message", HTMLParagraphElement).textContent = message;
      byId("failure-hint", HTMLParagraphElement).textContent = hint;
      byId("failure-code", HTMLElement).textContent = code;
      failure.hidden = false;
    },
    clearFailure() {
      failure.hidden = true;
    },
  };
}

/** How long a run took, for its last line. */
export function doneSentence({ timing, epochs }: Outcome): string {
  const rate = timing.imagesPerSecond === null ? "" : `, ${timing.imagesPerSecond.toFixed(0)} images/s`;
  const count = epochs.length === 1 ? "1 epoch" : `${epochs.length} epochs`;
  return `Done: ${count} in ${(timing.totalMs / 1000).toFixed(1)} s${rate}.`;
}
