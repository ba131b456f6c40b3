import { existsSync } from "node:fs";
import { type FreezePolicy, type Spec, ThawError } from "@thaw/core";
import { parseNames } from "../parity/options.ts";
import { parseFreeze, parseNumbers } from "../settings.ts";
import { baselineOf, type Subject, subjectsOf } from "./subject.ts";

/** Options of `thaw bench` as the command line gives them. */
export interface BenchCommandOptions {
  readonly runners: string;
  readonly depths?: string;
  readonly batch?: string;
  readonly images?: string;
  readonly epochs: string;
  readonly rounds: string;
  readonly cache: string;
  readonly baselines?: string;
  readonly set: readonly string[];
  readonly roofs?: string;
  readonly out: string;
  readonly force: boolean;
  readonly compare?: string;
  readonly threshold: string;
  readonly requireHardware: boolean;
}

/** What is to be measured, looked at and whole. */
export interface BenchJob {
  readonly subjects: readonly Subject[];
  readonly depths: readonly FreezePolicy[];
  readonly batchSizes: readonly number[];
  /** At most so many images; `null`: nobody said, and a smaller set will do. */
  readonly images: number | null;
  readonly epochs: number;
  readonly rounds: number;
  /** Part by which something has to be slower to count, 0 … 1. */
  readonly threshold: number;
}

const CACHES: Readonly<Record<string, readonly Subject["cache"][]>> = {
  on: ["on"],
  off: ["off"],
  both: ["on", "off"],
};

/** @throws ThawError `option-invalid` */
function wholeNumbers(option: string, text: string): number[] {
  const numbers = parseNumbers(option, text);
  const wrong = numbers.find((number) => !Number.isInteger(number) || number < 1);
  if (wrong === undefined) return [...new Set(numbers)];
  throw new ThawError("option-invalid", `${option}: ${wrong} is no whole number from 1 up.`, {
    hint: `For example: ${option} 32`,
  });
}

/** @throws ThawError `option-invalid` */
function wholeNumber(option: string, text: string): number {
  const [number = 1, ...more] = wholeNumbers(option, text);
  if (more.length === 0) return number;
  throw new ThawError("option-invalid", `${option} takes one number, not ${more.length + 1}.`, {
    hint: `For example: ${option} ${number}`,
  });
}

/** @throws ThawError `option-invalid` */
function thresholdOf(text: string): number {
  const [percent = Number.NaN] = parseNumbers("--threshold", text);
  if (percent >= 0 && percent < 100) return percent / 100;
  throw new ThawError("option-invalid", `--threshold: ${text} is no percentage from 0 to 100.`, {
    hint: "Give percent, such as --threshold 3.",
  });
}

/** @throws ThawError `option-invalid` */
function cachesOf(text: string): readonly Subject["cache"][] {
  const caches = Object.hasOwn(CACHES, text) ? CACHES[text] : undefined;
  if (caches !== undefined) return caches;
  throw new ThawError("option-invalid", `--cache: "${text}" is no state of the cache.`, {
    hint: `Give ${Object.keys(CACHES).join(", ")}.`,
  });
}

/**
 * Looks at the options before anything is started.
 * @throws ThawError `option-invalid`
 */
export function benchJob(spec: Spec, options: BenchCommandOptions): BenchJob {
  const runners = parseNames(options.runners);
  if (runners.length === 0) {
    throw new ThawError("option-invalid", "--runners names no runner.", { hint: "For example: --runners node" });
  }
  const caches = cachesOf(options.cache);
  return {
    subjects: [
      ...runners.flatMap((runner) => subjectsOf(runner, caches)),
      ...parseNames(options.baselines ?? "").map(baselineOf),
    ],
    depths: options.depths === undefined ? [spec.freeze] : [...new Set(parseFreeze(options.depths))],
    batchSizes: options.batch === undefined ? [spec.batchSize] : wholeNumbers("--batch", options.batch),
    images: options.images === undefined ? null : wholeNumber("--images", options.images),
    epochs: wholeNumber("--epochs", options.epochs),
    rounds: wholeNumber("--rounds", options.rounds),
    threshold: thresholdOf(options.threshold),
  };
}

/**
 * Looks whether the result may be written, before an hour is spent on it.
 * @throws ThawError `result-exists`
 */
export function checkTarget({ out, force }: Pick<BenchCommandOptions, "out" | "force">): void {
  if (force || !existsSync(out)) return;
  throw new ThawError("result-exists", `${out} exists; recordings are not overwritten.`, {
    hint: "Choose another file for --out, or give --force.",
  });
}
