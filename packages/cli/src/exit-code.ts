import type { SerializedError } from "@thaw/core";

/** What the shell is told. */
export const EXIT = {
  fine: 0,
  parityFailed: 1,
  badInput: 2,
  runnerMissing: 3,
  cellCrashed: 4,
  interrupted: 130,
} as const;

const CRASHES = new Set([
  "runner-crashed",
  "internal",
  "non-finite",
  "frozen-moved",
  "result-unwritable",
  "blob-corrupt",
]);
const MISSING = /^(native-|runner-unknown|runner-unavailable)/;

/** The exit code that an error stands for. */
export function exitCodeOf({ code }: SerializedError): number {
  if (code === "cancelled") return EXIT.interrupted;
  if (CRASHES.has(code)) return EXIT.cellCrashed;
  return MISSING.test(code) ? EXIT.runnerMissing : EXIT.badInput;
}
