import { type Spec, ThawError } from "@thaw/core";
import { parseFreeze, parseNumbers } from "../settings.ts";

/** Options of `thaw parity` as the command line gives them. */
export interface ParityCommandOptions {
  readonly runners: string;
  readonly judge: string;
  readonly depths?: string;
  readonly steps: string;
  readonly seeds?: string;
  readonly require?: string;
  readonly batch?: string;
  readonly out: string;
  readonly set: readonly string[];
  readonly requireHardware: boolean;
  readonly rerun: boolean;
  readonly ops: boolean;
  readonly junit?: string;
  readonly summary?: string;
  readonly baseline?: string;
  readonly updateBaseline: boolean;
}

/** Names separated by commas, each once. */
export function parseNames(text: string): readonly string[] {
  return [...new Set(text.split(",").map((name) => name.trim()))].filter((name) => name !== "");
}

function parseCounts(option: string, text: string): readonly number[] {
  const counts = parseNumbers(option, text);
  const wrong = counts.find((count) => !Number.isInteger(count) || count < 0);
  if (wrong === undefined) return [...new Set(counts)].sort((a, b) => a - b);
  throw new ThawError("option-invalid", `${option}: ${wrong} is no whole number from 0 up.`, {
    hint: `For example: ${option} 4,20`,
  });
}

/** Steps after which weights are compared: what was asked for, with the start and the first step. */
export function parseSteps(text: string): readonly number[] {
  const steps = parseCounts("--steps", text).filter((step) => step > 0);
  if (steps.length === 0) {
    throw new ThawError("option-invalid", "--steps names no step.", { hint: "For example: --steps 4,20,100" });
  }
  return [...new Set([0, 1, ...steps])].sort((a, b) => a - b);
}

/** Seeds of rung L5; none where nobody asked. */
export function parseSeeds(text: string | undefined): readonly number[] {
  return text === undefined ? [] : parseCounts("--seeds", text);
}

/** The depths to compare at, each as the spec that is run there. */
export function specsByDepth(spec: Spec, { depths, batch }: ParityCommandOptions): ReadonlyMap<string, Spec> {
  const freezes = depths === undefined ? [spec.freeze] : parseFreeze(depths);
  const batchSize = batch === undefined ? spec.batchSize : (parseCounts("--batch", batch)[0] ?? spec.batchSize);
  if (batchSize < 1) throw new ThawError("option-invalid", "--batch: a batch has at least one image.");
  return new Map(
    freezes.map((freeze) => {
      const label = Array.isArray(freeze) ? "rules" : String(freeze);
      return [label, { ...spec, freeze, batchSize, record: "steps" as const }];
    }),
  );
}
