import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** Pages that users read, relative to the root: the README and what lies in docs/. */
export const PAGES: readonly string[] = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => `docs/${name}`),
];

export function textOf(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

/** A line that a reader types. */
export interface DocumentedCommand {
  readonly line: string;
  /** 1-based, in the page. */
  readonly at: number;
  /** Why the tests do not run it, where they do not. */
  readonly notRun: string | undefined;
  /** What the command may exit with. */
  readonly exitCodes: readonly number[];
}

const NOT_RUN = /^<!-- not run: (.+) -->$/;
const LINE_NOT_RUN = /^<!-- line not run: (.+?); (.+) -->$/;
const EXIT_CODES = /^<!-- exit codes: ([\d, ]+) -->$/;

/**
 * Commands of a page: each line of its `sh` blocks. A comment right above a block says what is special about it:
 * `<!-- not run: reason -->`, `<!-- line not run: part of the line; reason -->`, or `<!-- exit codes: 0, 1 -->`.
 */
export function commandsOf(text: string): readonly DocumentedCommand[] {
  const commands: DocumentedCommand[] = [];
  let inside = false;
  let notRun: string | undefined;
  let linesNotRun: { readonly part: string; readonly reason: string }[] = [];
  let exitCodes: readonly number[] = [0];
  for (const [index, line] of text.split("\n").entries()) {
    if (inside && line.startsWith("```")) {
      inside = false;
      notRun = undefined;
      linesNotRun = [];
      exitCodes = [0];
    } else if (inside) {
      if (line.trim() === "" || line.startsWith("#")) continue;
      const reason = notRun ?? linesNotRun.find(({ part }) => line.includes(part))?.reason;
      commands.push({ line, at: index + 1, notRun: reason, exitCodes });
    } else if (line === "```sh") inside = true;
    else {
      notRun = NOT_RUN.exec(line)?.[1] ?? (line === "" ? notRun : undefined);
      const [, part, reason] = LINE_NOT_RUN.exec(line) ?? [];
      if (part !== undefined && reason !== undefined) linesNotRun.push({ part, reason });
      const codes = EXIT_CODES.exec(line)?.[1];
      if (codes !== undefined) exitCodes = codes.split(",").map(Number);
    }
  }
  return commands;
}
