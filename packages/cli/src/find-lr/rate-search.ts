import { type PreparedPlan, preparePlan } from "@thaw/assets";
import {
  type CacheBudget,
  cellName,
  type EngineSettings,
  FORMATS,
  type Runner,
  resultOfPlan,
  type Spec,
} from "@thaw/core";
import { cellProgress } from "../progress.ts";
import { readRecord, repeatName, writeResult } from "../result-file.ts";
import { VERSION } from "../version.ts";
import { parseRateSearch, type RateSearch } from "./range-record.ts";
import { followRangeTest, type RangeAsked, type RangeRun, rangeTestSpec } from "./range-test.ts";

/** How the command line asks for a range test. */
export interface SearchOptions {
  readonly baseDir: string;
  readonly outDir: string;
  readonly settings: EngineSettings;
  readonly cache: CacheBudget;
  readonly rerun: boolean;
  readonly signal: AbortSignal;
  readonly output: NodeJS.WriteStream;
  readonly onNote: (note: string) => void;
}

/** A test and where it lies. */
export interface FoundSearch {
  readonly search: RateSearch;
  readonly file: string;
  /** False where it was there from an earlier run. */
  readonly fresh: boolean;
}

/** Plans the test; how many images train is known only once the data are. */
async function prepareTest(spec: Spec, asked: RangeAsked, options: SearchOptions): Promise<PreparedPlan> {
  const { baseDir, onNote } = options;
  const { plan } = await preparePlan(spec, { baseDir, onNote });
  return await preparePlan(rangeTestSpec(spec, plan.splits.train.length, asked), { baseDir, onNote });
}

/**
 * Runs a range test, unless it is there already.
 * @throws ThawError what the runner throws, `option-invalid`, `result-exists`
 */
export async function searchRate(
  runner: Runner,
  spec: Spec,
  asked: RangeAsked,
  options: SearchOptions,
): Promise<FoundSearch> {
  const { outDir, settings, cache, signal, output } = options;
  const { plan, storeDir } = await prepareTest(spec, asked, options);
  const name = await cellName(plan, runner.name, settings);
  const earlier = await readRecord(outDir, name, parseRateSearch);
  if (earlier !== null && !options.rerun) return { search: earlier, file: `${outDir}/${name}.json`, fresh: false };
  const progress = cellProgress(`${plan.spec.name} on ${runner.name}`, plan.spec.epochs, output);
  let seen: RangeRun;
  try {
    seen = await followRangeTest(plan, runner.run(plan, { storeDir, settings, cache, signal }), progress.event);
  } finally {
    progress.close();
  }
  const search: RateSearch = {
    version: FORMATS.rangeTest.version,
    kind: "find-lr",
    cell: earlier === null ? name : await repeatName(outDir, name),
    thawVersion: VERSION,
    runner: runner.name,
    finishedAt: new Date().toISOString(),
    ...resultOfPlan(plan),
    ...seen,
  };
  return { search, file: await writeResult(outDir, search), fresh: true };
}
