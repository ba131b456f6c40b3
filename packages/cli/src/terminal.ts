import { printable } from "@thaw/core";
import { createLogUpdate } from "log-update";

type Write = NodeJS.WriteStream["write"];

/** How a guarded stream writes what is ours. */
const unguarded = new WeakMap<NodeJS.WriteStream, Write>();

/** Hiding and showing the cursor, which log-update does behind our back, and at the process's end. */
const CURSOR: ReadonlySet<unknown> = new Set(["\u001b[?25l", "\u001b[?25h"]);

/** Beginnings of lines that a CI's log obeys, and what GitHub's, Azure's and TeamCity's obey anywhere in a line. */
const LINE_COMMAND = /^(\s*):(?=:)/;
const COMMAND = /#(?=#\w*\[)/g;

/** A line as a terminal or a log may show it: nothing in it is obeyed. Both escapes are JSON's, too. */
function harmless(line: string, isStart: boolean): string {
  const shown = line.split("\t").map(printable).join("\t").replace(COMMAND, "\\u0023");
  return isStart ? shown.replace(LINE_COMMAND, "$1\\u003a") : shown;
}

/**
 * Makes everything that leaves through a stream harmless, wherever it comes from: names of files and classes, messages of
 * foreign runners, what a crashed program said last. Escape sequences, marks that turn the reading direction, invisible
 * characters and commands to a CI's log show as escapes (`\u001b`); in JSON they stay what they were.
 */
export function guardOutput(stream: NodeJS.WriteStream): void {
  if (unguarded.has(stream)) return;
  const write = stream.write.bind(stream) as Write;
  unguarded.set(stream, write);
  let isStart = true;
  const guarded = (chunk: string | Uint8Array, ...rest: never[]): boolean => {
    if (CURSOR.has(chunk)) return write(chunk, ...rest);
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    const lines = text.split("\n").map((line, index) => harmless(line, index > 0 || isStart));
    isStart = text === "" ? isStart : text.endsWith("\n");
    return write(lines.join("\n"), ...rest);
  };
  stream.write = guarded as Write;
}

/** A line that changes in place, on a terminal. */
export interface ChangingLine {
  show(text: string): void;
  /** Takes it off again. */
  clear(): void;
  /** Leaves it and goes to the next. */
  done(): void;
}

export function changingLine(output: NodeJS.WriteStream): ChangingLine {
  const write = unguarded.get(output) ?? output.write.bind(output);
  const raw = Object.create(output, { write: { value: write } }) as NodeJS.WriteStream; // moves the cursor
  const line = createLogUpdate(raw);
  return { show: (text) => line(printable(text)), clear: () => line.clear(), done: () => line.done() };
}
