import { ThawError } from "@thaw/core";
import { cacheBudget } from "../cache-budget.ts";
import { type FindLrCommandOptions, rangeAsked } from "../find-lr/find-lr-options.ts";
import { RATE_RULES, rateFindings, suggestedRate } from "../find-lr/rate-choice.ts";
import { searchRate } from "../find-lr/rate-search.ts";
import { searchText } from "../find-lr/search-text.ts";
import { onInterrupt } from "../interrupt.ts";
import { prepareNotes } from "../notes.ts";
import { findRunner } from "../registry.ts";
import { requireRunner } from "../required-runner.ts";
import { parseSettings, plainKernelSetting } from "../settings.ts";
import { readSpecFile } from "../spec-file.ts";

/** `thaw find-lr SPEC`: a learning rate range test, and the rate that a stated rule reads off it. */
export async function findLrCommand(specPath: string, options: FindLrCommandOptions): Promise<void> {
  const file = await readSpecFile(specPath);
  if (file.kind === "sweep") {
    throw new ThawError("spec-invalid", `${specPath} is a sweep (it has groups), not one experiment.`, {
      hint: "Give the spec of one experiment.",
    });
  }
  const { rule, ...asked } = rangeAsked(options);
  const runner = await findRunner(options.runner);
  const pairs = [...options.set, ...plainKernelSetting(options.plainKernel)];
  const settings = parseSettings(pairs, [runner.name])(runner.name);
  const cache = cacheBudget(options);
  const interrupt = onInterrupt(process.stderr);
  try {
    await requireRunner(runner, settings, options.requireHardware);
    const {
      search,
      file: searchFile,
      fresh,
    } = await searchRate(runner, file.spec, asked, {
      baseDir: file.baseDir,
      outDir: options.out,
      settings,
      cache,
      rerun: options.rerun,
      signal: interrupt.signal,
      output: process.stderr,
      onNote: prepareNotes(process.stderr),
    });
    const findings = rateFindings(search.steps, search.ended.how !== "all-steps");
    const suggestion = { rule, means: RATE_RULES[rule], learningRate: suggestedRate(findings, rule) };
    const json = `${JSON.stringify({ ...search, findings, suggestion }, null, 1)}\n`;
    process.stdout.write(options.json ? json : `${searchText(search, findings, rule)}\n`);
    process.stderr.write(`${fresh ? "Result" : "Result from an earlier run"}: ${searchFile}\n`);
  } finally {
    await runner.close?.();
    interrupt.dispose();
  }
}
