import { createRequire } from "node:module";

/**
 * Gives `util` back the two functions that Node 23 removed and tfjs-node calls in every operation.
 * Can go once the fix of https://github.com/tensorflow/tfjs/issues/8609 is in a release that we use.
 */
export function restoreUtilFunctions(util: Record<string, unknown> = nodeUtil()): void {
  util.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  util.isArray ??= (value: unknown): boolean => Array.isArray(value);
}

/** The object that `require("util")` hands to CommonJS; an ES module namespace could not be written to. */
function nodeUtil(): Record<string, unknown> {
  return createRequire(import.meta.url)("node:util") as Record<string, unknown>;
}
