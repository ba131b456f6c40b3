import { type OpOptions, type OpStart, type OpSuite, type OpVerdict, requireSuite, superviseOps } from "@thaw/core";
import { askChild } from "./child-process.ts";
import type { ChildRunnerOptions } from "./child-runner.ts";
import { watchVerdicts } from "./op-watch.ts";

/** What takes a child along while a case is judged, and not the suite. */
const LOSSES = /^(runner-crashed|op-hung|gpu-.*)$/;

/**
 * Judges operations in child processes: one as long as it lives, another behind a case that takes it along.
 * @throws ThawError `suite-unknown`, and what the child throws
 */
export async function* judgeInChild(
  options: ChildRunnerOptions,
  suite: OpSuite,
  { settings, signal, cases }: OpOptions,
): AsyncGenerator<OpVerdict> {
  requireSuite(options.name, options.opSuites ?? [], suite);
  options.checkSettings(settings);

  async function* oneChild(start: OpStart): AsyncGenerator<OpVerdict> {
    const hanging = new AbortController();
    const stop = signal === undefined ? hanging.signal : AbortSignal.any([signal, hanging.signal]);
    async function* verdicts(): AsyncGenerator<OpVerdict> {
      for await (const message of askChild(options, { type: "ops", suite, settings, start }, stop)) {
        if (message.type === "verdict") yield message.verdict;
      }
    }
    yield* watchVerdicts(options.name, verdicts(), (error) => hanging.abort(error));
  }
  yield* superviseOps(oneChild, (code) => LOSSES.test(code), cases);
}
