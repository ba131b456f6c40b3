import { type EpochRecord, printable, type RunEvent } from "@thaw/core";
import { changingLine } from "./terminal.ts";

/** Where progress goes: one line that changes on a terminal, plain lines elsewhere. */
export interface Progress {
  event(event: RunEvent): void;
  /** Ends the line of the cell. */
  close(): void;
}

const PLAIN_EVERY_MS = 10_000;

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function epochText({ epoch, train, validation, imagesPerSecond }: EpochRecord, epochs: number): string {
  const held =
    validation === null ? "" : `, val loss ${validation.loss.toFixed(4)}, val acc ${percent(validation.accuracy)}`;
  const speed = `${imagesPerSecond.toFixed(0)} img/s`;
  return `epoch ${epoch}/${epochs}: loss ${train.loss.toFixed(4)}, acc ${percent(train.accuracy)}${held}, ${speed}`;
}

/**
 * Shows one cell's run.
 * @param title what the line begins with
 * @param epochs of the whole run
 * @param isPlain lines, in place of one that changes
 */
export function cellProgress(
  title: string,
  epochs: number,
  output: NodeJS.WriteStream,
  isPlain: boolean = output.isTTY !== true,
): Progress {
  const isTerminal = !isPlain;
  const line = changingLine(output);
  const startedMs = performance.now();
  let totalSteps = 0;
  let lastEpoch = "";
  let stepsBefore = 0;
  let lastPlainMs = Number.NEGATIVE_INFINITY; // the first epoch always shows

  function plain(text: string): void {
    output.write(`${printable(title)}: ${text}\n`);
  }

  function stepText(event: Extract<RunEvent, { type: "step" }>): string {
    const elapsedMs = performance.now() - startedMs;
    const left = (elapsedMs / (event.step - stepsBefore)) * (totalSteps - event.step);
    const speed = `${((event.images / event.ms) * 1000).toFixed(0)} img/s`;
    const before = lastEpoch === "" ? "" : ` | ${lastEpoch}`;
    return `epoch ${event.epoch}/${epochs}, step ${event.step}/${totalSteps}, loss ${event.loss.toFixed(4)}, ${speed}, ${duration(left)} left${before}`;
  }

  return {
    event(event) {
      if (event.type === "start") totalSteps = event.totalSteps;
      if (event.type === "resume") {
        stepsBefore = event.step;
        plain(`goes on after step ${event.step} of ${totalSteps}, in epoch ${event.epoch}`);
      }
      if (event.type === "warning") {
        if (isTerminal) line.clear();
        plain(`warning: ${printable(event.message)}`);
      }
      if (event.type === "step" && isTerminal) line.show(`${title}: ${stepText(event)}`);
      if (event.type === "epoch") {
        lastEpoch = epochText(event, epochs);
        const now = performance.now();
        if (!isTerminal && (event.epoch === epochs || now - lastPlainMs >= PLAIN_EVERY_MS)) {
          plain(lastEpoch);
          lastPlainMs = now;
        }
      }
    },
    close() {
      if (!isTerminal) return;
      line.show(
        `${title}: ${lastEpoch === "" ? "nothing trained" : lastEpoch}, ${duration(performance.now() - startedMs)}`,
      );
      line.done();
    },
  };
}
