import { CASE_LIMIT_MS, caseHung, type OpVerdict, type ThawError } from "@thaw/core";

/**
 * Watches verdicts as they come.
 * @param onHang is told when one takes too long
 */
export async function* watchVerdicts(
  runner: string,
  verdicts: AsyncIterable<OpVerdict>,
  onHang: (error: ThawError) => void,
): AsyncGenerator<OpVerdict> {
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    timer = setTimeout(() => onHang(caseHung(runner)), CASE_LIMIT_MS);
  };
  watch();
  try {
    for await (const verdict of verdicts) {
      clearTimeout(timer); // the caller's time is not the engine's
      yield verdict;
      watch();
    }
  } finally {
    clearTimeout(timer);
  }
}
