import { nearest, ThawError } from "@thaw/core";
import type { CacheOptions } from "../cache-budget.ts";
import type { RunOptions } from "../run-options.ts";
import { parseNumbers } from "../settings.ts";
import type { RangeAsked } from "./range-test.ts";
import { RATE_RULES, type RateRule } from "./rate-choice.ts";

/** Options of `thaw find-lr` as the command line gives them. */
export interface FindLrCommandOptions extends RunOptions, CacheOptions {
  readonly from: string;
  readonly to: string;
  readonly steps: string;
  readonly rule: string;
  readonly phase?: string;
  readonly json: boolean;
}

/** Fewer say nothing of a slope. */
const LEAST_STEPS = 20;

/** @throws ThawError `option-invalid` */
function oneRate(option: string, text: string): number {
  const [rate = Number.NaN, ...more] = parseNumbers(option, text);
  if (more.length === 0 && rate > 0) return rate;
  throw new ThawError("option-invalid", `${option}: "${text}" is no rate above 0.`, {
    hint: `For example: ${option} 1e-5`,
  });
}

/** @throws ThawError `option-invalid` */
function ruleOf(text: string): RateRule {
  if (Object.hasOwn(RATE_RULES, text)) return text as RateRule;
  const known = Object.keys(RATE_RULES);
  const [near] = nearest(text, known);
  throw new ThawError("option-invalid", `--rule: there is no rule "${text}"; there are ${known.join(", ")}.`, {
    hint: near === undefined ? `For example: --rule ${known[0]}` : `Did you mean "${near}"?`,
  });
}

/**
 * Looks at the options before anything is started.
 * @throws ThawError `option-invalid`
 */
export function rangeAsked(options: FindLrCommandOptions): RangeAsked & { readonly rule: RateRule } {
  const [from, to] = [oneRate("--from", options.from), oneRate("--to", options.to)];
  if (from >= to) {
    throw new ThawError("option-invalid", `--from ${options.from} is not below --to ${options.to}.`, {
      hint: "The rate grows from --from to --to, such as --from 1e-7 --to 1.",
    });
  }
  const [steps = Number.NaN, ...more] = parseNumbers("--steps", options.steps);
  if (more.length > 0 || !Number.isInteger(steps) || steps < LEAST_STEPS) {
    throw new ThawError("option-invalid", `--steps: "${options.steps}" is no whole number from ${LEAST_STEPS} up.`, {
      hint: "For example: --steps 100",
    });
  }
  return { from, to, steps, phase: options.phase, rule: ruleOf(options.rule) };
}
