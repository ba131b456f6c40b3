import { printable } from "@thaw/core";

/** Prints what happens while inputs are found and prepared, a line each. */
export function prepareNotes(output: NodeJS.WritableStream): (note: string) => void {
  const seen = new Set<string>();
  return (note) => {
    if (seen.has(note)) return; // cells of a sweep share their inputs
    seen.add(note);
    output.write(`${printable(note)}\n`);
  };
}
