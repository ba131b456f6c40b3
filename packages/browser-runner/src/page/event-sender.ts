import type { RunEvent } from "@thaw/core";

/** Steps in quick succession go out together: each message costs its receiver some ms. */
const FLUSH_MS = 100;

/** Sends events in order and in bunches. */
export interface EventSender {
  push(event: RunEvent): Promise<void>;
  /** Says that the run is alive, by an empty bunch, where nothing went out for a second. */
  alive(): void;
  flush(): Promise<void>;
}

/** Makes a sender for one run. */
export function eventSender(send: (events: readonly RunEvent[]) => Promise<void>): EventSender {
  let pending: RunEvent[] = [];
  let sentMs = performance.now();
  const flush = async (): Promise<void> => {
    const events = pending;
    pending = [];
    sentMs = performance.now();
    await send(events);
  };
  return {
    async push(event) {
      pending.push(event);
      if (event.type !== "step" || performance.now() - sentMs >= FLUSH_MS) await flush();
    },
    alive() {
      if (performance.now() - sentMs >= 1000) void flush();
    },
    flush,
  };
}
