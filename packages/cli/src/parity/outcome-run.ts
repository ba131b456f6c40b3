import { join } from "node:path";
import { preparePlan } from "@thaw/assets";
import type { Result, Spec } from "@thaw/core";
import { compareOutcomes, type EquivalenceResult } from "@thaw/core/parity";
import { runCell } from "../run-cell.ts";
import { Tracking } from "../tracking/tracking.ts";
import type { Participant } from "./participants.ts";

/** What rung L5 of one `thaw parity` needs. */
export interface OutcomeRun {
  readonly specs: ReadonlyMap<string, Spec>;
  readonly baseDir: string;
  readonly seeds: readonly number[];
  readonly runners: readonly Participant[];
  readonly reference: Participant;
  readonly outDir: string;
  readonly rerun: boolean;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/** Trains every seed at every depth on every runner, runner beside reference, and compares what came out: rung L5. */
export async function compareAllOutcomes(run: OutcomeRun): Promise<readonly EquivalenceResult[]> {
  const found: EquivalenceResult[] = [];
  const everyone = [run.reference, ...run.runners.filter(({ runner }) => runner.name !== run.reference.runner.name)];
  for (const [depth, spec] of run.specs) {
    const results = new Map<string, Result[]>(everyone.map(({ runner }) => [runner.name, []]));
    for (const seed of run.seeds) {
      const name = `${spec.name}-${depth}-seed-${seed}`.slice(0, 80);
      const seeded: Spec = { ...spec, name, seed, record: "epochs" };
      const prepared = await preparePlan(seeded, { baseDir: run.baseDir, onNote: run.note });
      for (const { runner, settings } of everyone) {
        const { result } = await runCell(runner, prepared, null, {
          outDir: join(run.outDir, "cells"),
          settings,
          rerun: run.rerun,
          requireHardware: false, // looked at when the runners were found
          tracking: new Tracking([], process.stderr), // the ladder has reports of its own
          signal: run.signal,
          output: process.stderr,
        });
        results.get(runner.name)?.push(result);
      }
    }
    const reference = run.reference.runner.name;
    for (const [runner, ours] of results) {
      if (runner === reference) continue;
      found.push(compareOutcomes({ runner, reference, depth }, ours, results.get(reference) ?? []));
    }
  }
  return found;
}
