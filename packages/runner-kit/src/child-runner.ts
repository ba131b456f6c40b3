import type { EngineSettings, OpSuite, PredictEvent, RunEvent, Runner } from "@thaw/core";
import { type Ask, askAvailability, askRun } from "./asking.ts";
import { askPredictions } from "./asking-predictions.ts";
import { judgeInChild } from "./child-ops.ts";
import { askChild, type ChildProgram } from "./child-process.ts";

/** What a runner in a child process is made of. */
export interface ChildRunnerOptions extends ChildProgram {
  /**
   * Looks at a run's settings before a process is started for it.
   * @throws ThawError `setting-invalid`
   */
  checkSettings(settings: EngineSettings): unknown;
  /** Suites of operations that the child can judge; none without. */
  readonly opSuites?: readonly OpSuite[];
}

/**
 * A runner that probes and runs in child processes, a fresh one each time: an engine that crashes, hangs or keeps
 * memory does so in one cell. The child calls `serveRunner`.
 */
export function childRunner(options: ChildRunnerOptions): Runner {
  const { name, checkSettings, opSuites = [] } = options;
  const ask: Ask = (request, signal) => askChild(options, request, signal);
  return {
    name,
    traces: true,
    profiles: true,
    resumes: true,
    opSuites,
    checkOps: (suite, ops) => judgeInChild(options, suite, ops),
    probe: (settings = {}) => askAvailability(name, ask, settings),
    async *run(plan, run): AsyncGenerator<RunEvent> {
      checkSettings(run.settings);
      yield* askRun(ask, plan, run);
    },
    async *predict(request, batches, options): AsyncGenerator<PredictEvent> {
      checkSettings(options.settings);
      yield* askPredictions(ask, request, batches, options);
    },
  };
}
