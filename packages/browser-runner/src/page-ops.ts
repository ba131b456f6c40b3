import {
  type OpOptions,
  type OpStart,
  type OpSuite,
  type OpVerdict,
  requireSuite,
  superviseOps,
  type ThawError,
} from "@thaw/core";
import { watchVerdicts } from "@thaw/runner-kit";
import { eventQueue } from "./event-queue.ts";
import type { EngineName } from "./messages.ts";
import type { SessionKeeper } from "./session-keeper.ts";
import { browserSettings } from "./settings.ts";

/** Suites that the page can judge. */
export const OP_SUITES: readonly OpSuite[] = ["kernels", "tfjs"];

/** What takes a browser along while a case is judged, and not the suite. */
const LOSSES = /^(browser-lost|page-crashed|page-closed|page-failed|op-hung|gpu-.*)$/;

/**
 * Judges operations in the page: in one browser as long as it lives, in another behind a case that takes it along.
 * @throws ThawError `suite-unknown`, `cancelled`, and whatever keeps the engine from opening
 */
export async function* judgeInPage(
  keeper: SessionKeeper,
  engine: EngineName,
  suite: OpSuite,
  { settings, signal, cases }: OpOptions,
): AsyncGenerator<OpVerdict> {
  requireSuite(engine, OP_SUITES, suite);
  const complete = browserSettings(engine, settings);

  async function* onePage(start: OpStart): AsyncGenerator<OpVerdict> {
    const session = await keeper.acquire(complete);
    const queue = eventQueue<OpVerdict>();
    session.judge(suite, start, signal, queue.push).then(queue.end, queue.fail);
    const onHang = (error: ThawError): void => {
      queue.fail(error);
      void keeper.close();
    };
    let finished = false;
    try {
      yield* watchVerdicts(engine, queue.events, onHang);
      finished = true;
    } finally {
      // Left early or failed: whatever the page still does must not run into what comes next.
      if (finished) keeper.release();
      else await keeper.close();
    }
  }
  yield* superviseOps(onePage, (code) => LOSSES.test(code), cases);
}
