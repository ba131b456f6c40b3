import { deserializeError, serializeError, ThawError } from "@thaw/core";
import type { PageAnswer } from "../messages.ts";

/** Errors cross to another process or thread as data. */
export async function answer<T>(work: () => Promise<T>): Promise<PageAnswer<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: serializeError(error) };
  }
}

/**
 * Takes an answer apart.
 * @throws ThawError that crossed as data
 */
export function unwrap<T>(given: PageAnswer<T>): T {
  if (!given.ok) throw deserializeError(given.error);
  return given.value;
}

/** How long after an error the device may still say that it was the cause. */
const CAUSE_MS = 1000;

/** Waits for work, or for the failure of the device under it: a lost device shows in odd ways before it is told. */
export async function guarded<T>(work: Promise<T>, failure: Promise<never> | undefined): Promise<T> {
  if (failure === undefined) return await work;
  try {
    return await Promise.race([work, failure]);
  } catch (error) {
    const isCancelled = error instanceof ThawError && error.code === "cancelled";
    if (!isCancelled) await Promise.race([failure, new Promise((resolve) => setTimeout(resolve, CAUSE_MS))]);
    throw error;
  }
}
