import { printable, printableJson } from "@thaw/core";
import stringWidth from "string-width";
import type { Answer } from "./answers.ts";

/** Columns of a file's name at most; of a longer one the end is shown, which tells files apart. */
const NAME_WIDTH = 48;
const BAR_WIDTH = 20;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function fitted(text: string, width: number): string {
  let shown = text;
  for (let start = 1; stringWidth(shown) > width; start += 1) shown = `…${text.slice(start)}`;
  return shown + " ".repeat(Math.max(0, width - stringWidth(shown)));
}

function bar(probability: number): string {
  const eighths = Math.round(probability * BAR_WIDTH * 8);
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

/** Turns answers into the lines of a table, one by one: its widths are known before the first. */
export interface AnswerTable {
  readonly head: string;
  /** Lines of one answer, the likeliest class first. */
  lines(answer: Answer): readonly string[];
}

/**
 * @param files names of all files that will be answered
 * @param classes names of all classes
 */
export function answerTable(files: readonly string[], classes: readonly string[]): AnswerTable {
  const widest = (texts: readonly string[]): number =>
    texts.reduce((width, text) => Math.max(width, stringWidth(printable(text))), 5);
  const nameWidth = Math.min(NAME_WIDTH, widest(files));
  const classWidth = widest(classes);
  const columns = (name: string, label: string, rest: string): string =>
    `${fitted(name, nameWidth)}  ${fitted(label, classWidth)}  ${rest}`.trimEnd();
  return {
    head: columns("file", "class", "probability"),
    lines(answer) {
      const name = printable(answer.file);
      if ("problem" in answer) return [columns(name, "–", `cannot be read: ${printable(answer.problem)}`)];
      return answer.guesses.map(({ label, probability }, place) => {
        const share = `${(probability * 100).toFixed(1).padStart(5)} %`;
        const shown = place === 0 ? name : "";
        return columns(shown, printable(classes[label] ?? ""), `${share} ${bar(probability)}`);
      });
    },
  };
}

/** An answer as a line of JSON. */
export function answerJson(answer: Answer, classes: readonly string[]): string {
  if ("problem" in answer) return printableJson({ file: answer.file, error: answer.problem });
  const top = answer.guesses.map(({ label, probability }) => ({
    class: classes[label] ?? "",
    probability: Number(probability.toPrecision(7)), // all that a float32 has
  }));
  const [best] = top;
  return printableJson({ file: answer.file, class: best?.class, probability: best?.probability, top });
}
