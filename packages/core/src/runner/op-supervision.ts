import { serializeError, ThawError } from "../error.ts";
import { FIRST_CASE, type OpOptions, type OpStart, type OpVerdict } from "./ops.ts";

/** Longest that one case may take, made smaller where it fails: an emulated GPU compiles slowly. */
export const CASE_LIMIT_MS = 60_000;

/** The error of a case that takes longer than {@link CASE_LIMIT_MS}. */
export function caseHung(runner: string): ThawError {
  return new ThawError("op-hung", `Runner "${runner}" took more than ${CASE_LIMIT_MS / 1000} s over one case.`, {
    hint: "The engine hangs; the suite goes on behind this case.",
  });
}

/**
 * What a suite throws behind a verdict whose case left the engine unfit for others (a heap that was written over): it
 * goes on with a fresh one.
 */
export function engineSpent(why: string): ThawError {
  return new ThawError("engine-spent", `The engine is unfit for further cases: ${why}`);
}

/** Engines that a suite may use up: a backend that fails over every case is not worth more. */
const MOST_ENGINES = 500;

/**
 * Goes on behind a case that takes its engine along (a crash, a hang, a lost device): with a fresh engine at the same
 * case, and where it is lost again, behind it.
 * @param start judges on a fresh engine; throws where that is lost
 * @param isLoss whether an error is the loss of an engine
 * @param cases of {@link OpOptions}
 * @throws whatever is no loss, and the loss of an engine that judges nothing at all
 */
export async function* superviseOps(
  start: (from: OpStart) => AsyncIterable<OpVerdict>,
  isLoss: (code: string) => boolean,
  cases?: OpOptions["cases"],
): AsyncGenerator<OpVerdict> {
  const given = cases === undefined ? {} : { cases };
  let from: OpStart = { ...FIRST_CASE, ...given };
  let lostOnce: string | undefined;
  for (let engines = 1; ; engines += 1) {
    try {
      for await (const verdict of start(from)) {
        // A case that fails may have taken the engine along while it was made smaller; one that does not is odd.
        const odd = from.careful === true && verdict.problems.length === 0;
        const note = `the engine was lost when it was tried first, and not the second time: ${lostOnce}`;
        from = { judged: from.judged + 1, ...given };
        lostOnce = undefined;
        yield odd ? { ...verdict, problems: [note] } : verdict;
      }
      return;
    } catch (error) {
      const { code, message } = serializeError(error);
      if (code === "engine-spent" && engines < MOST_ENGINES) continue;
      if (!isLoss(code) || from.lost !== undefined || engines >= MOST_ENGINES) throw error;
      const { judged } = from;
      from = from.careful === true ? { judged, lost: message, ...given } : { judged, careful: true, ...given };
      lostOnce = message;
    }
  }
}
