import { type Sweep, sweepOf, ThawError } from "@thaw/core";
import { parseFreeze, parseNumbers } from "./settings.ts";
import type { SpecFile } from "./spec-file.ts";

/** What to vary of a single spec. */
export interface VaryOptions {
  readonly freeze?: string;
  readonly lr?: string;
  readonly seed?: string;
}

/**
 * The sweep that a command asks for: a sweep file's own, or one around a spec.
 * @throws ThawError `option-invalid`
 */
export function askedSweep(file: SpecFile, specPath: string, options: VaryOptions): Sweep {
  const { freeze, lr, seed } = options;
  const asked = freeze !== undefined || lr !== undefined || seed !== undefined;
  if (file.kind === "sweep") {
    if (asked) {
      throw new ThawError(
        "option-invalid",
        `${specPath} is a sweep with its own groups; --freeze, --lr and --seed are for a spec.`,
        {
          hint: "Leave the options out, or give a spec.",
        },
      );
    }
    return file.sweep;
  }
  if (!asked) {
    throw new ThawError("option-invalid", `${specPath} is one experiment and there is nothing to vary.`, {
      hint: "Give --freeze 0,50,100,154, --lr or --seed, or a sweep file with groups.",
    });
  }
  return sweepOf(file.spec, {
    ...(freeze === undefined ? {} : { freeze: parseFreeze(freeze) }),
    ...(lr === undefined ? {} : { learningRate: parseNumbers("--lr", lr) }),
    ...(seed === undefined ? {} : { seed: parseNumbers("--seed", seed) }),
  });
}
