import { changingLine } from "../terminal.ts";

/** Says how far reading has come: one line that changes on a terminal, plain lines elsewhere. */
export interface SurveyProgress {
  update(done: number, total: number): void;
  /** Takes the line off a terminal again. */
  close(): void;
}

const PLAIN_EVERY_MS = 10_000;
const LINE_EVERY_MS = 100;

function progressText(done: number, total: number, elapsedMs: number): string {
  const perSecond = (done / Math.max(elapsedMs, 1)) * 1000;
  const left = Math.round((total - done) / perSecond);
  return `images: ${done} of ${total} read, ${perSecond.toFixed(0)} img/s, ${left} s left`;
}

/** Shows the reading of a folder's images. */
export function surveyProgress(output: NodeJS.WriteStream): SurveyProgress {
  const isTerminal = output.isTTY === true;
  const line = changingLine(output);
  const everyMs = isTerminal ? LINE_EVERY_MS : PLAIN_EVERY_MS;
  const startedMs = performance.now();
  let saidMs = startedMs;
  return {
    update(done, total) {
      const now = performance.now();
      if (now - saidMs < everyMs && (done < total || isTerminal)) return;
      saidMs = now;
      const text = progressText(done, total, now - startedMs);
      if (isTerminal) line.show(text);
      else output.write(`${text}\n`);
    },
    close() {
      if (isTerminal) line.clear();
    },
  };
}
