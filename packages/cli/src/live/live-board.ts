import { deviceLabel, type Plan, type Result, type RunEvent, resultOfPlan } from "@thaw/core";
import type { LiveCell } from "@thaw/report";
import { htmlText, liveParts, liveRow, stateMarkup, sweepText } from "@thaw/report";
import type { Tracker } from "../tracking/tracker.ts";

/** Something that a watching page is sent. */
export interface LiveMessage {
  readonly name: "snapshot" | "row" | "parts" | "state" | "progress" | "over";
  readonly data: unknown;
}

/** What a sweep shows of itself while it runs. */
export interface LiveBoard {
  /** Adds a cell that waits; its observer is told how it goes on. */
  queue(place: NonNullable<Result["sweep"]>, plan: Plan, runner: string): QueuedCell;
  /** Everything as it is now, for a page that has just connected. */
  snapshot(): Promise<LiveMessage>;
  /** @returns takes the listener off again */
  listen(listener: (message: LiveMessage) => void): () => void;
  /** Asks a cell to stop, or not to begin. @returns false where there is nothing to cancel */
  cancel(id: string): boolean;
  /** Sends what has changed, now. */
  flush(): Promise<void>;
  say(message: LiveMessage): void;
}

/** A cell on the board. */
export interface QueuedCell {
  readonly observer: Tracker;
  /** Is aborted when somebody cancels the cell. */
  readonly signal: AbortSignal;
}

/** Changes are gathered for so long: a frozen network may have a hundred epochs a second. */
const GATHER_MS = 300;

type Change = "row" | "parts" | "state";
const ORDER: readonly Change[] = ["state", "parts", "row"];

/** What an event changes of a cell. */
function afterEvent(cell: LiveCell, event: RunEvent): { readonly cell: LiveCell; readonly change: Change } | null {
  switch (event.type) {
    case "start": {
      const step = { step: 0, totalSteps: event.totalSteps, loss: Number.NaN };
      return { cell: { ...cell, device: deviceLabel(event.environment), step }, change: "parts" };
    }
    case "step": {
      const { step, loss } = event;
      return { cell: { ...cell, step: { step, loss, totalSteps: cell.step?.totalSteps ?? 0 } }, change: "state" };
    }
    case "epoch": {
      const { type: _type, ...epoch } = event;
      return { cell: { ...cell, epochs: [...cell.epochs, epoch] }, change: "parts" };
    }
    case "resume":
      return { cell: { ...cell, epochs: event.epochs }, change: "parts" };
    default:
      return null;
  }
}

async function messageOf(cell: LiveCell, change: Change): Promise<LiveMessage> {
  const { id } = cell;
  if (change === "row") return { name: "row", data: { id, html: await liveRow(cell) } };
  const state = htmlText(stateMarkup(cell));
  return change === "state"
    ? { name: "state", data: { id, state } }
    : { name: "parts", data: { id, state, parts: await liveParts(cell) } };
}

/** Opens a board without cells. */
export function liveBoard(): LiveBoard {
  const cells = new Map<string, LiveCell>();
  const stops = new Map<string, AbortController>();
  const changes = new Map<string, Change>();
  const listeners = new Set<(message: LiveMessage) => void>();
  let timer: NodeJS.Timeout | undefined;

  const say = (message: LiveMessage): void => {
    for (const listener of listeners) listener(message);
  };
  let sending = Promise.resolve();

  async function sendChanges(): Promise<void> {
    const changed = [...changes];
    changes.clear();
    if (listeners.size === 0) return;
    for (const [id, change] of changed) {
      const cell = cells.get(id);
      if (cell !== undefined) say(await messageOf(cell, change));
    }
    say({ name: "progress", data: { text: sweepText([...cells.values()]) } });
  }
  /** One after the other, or an older state could overtake a newer one while its curves are drawn. */
  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    sending = sending.then(sendChanges);
    return sending;
  }
  function touch(id: string, change: Change): void {
    const earlier = changes.get(id) ?? "state";
    changes.set(id, ORDER[Math.max(ORDER.indexOf(earlier), ORDER.indexOf(change))] ?? change);
    timer ??= setTimeout(() => void flush(), GATHER_MS).unref();
  }
  function change(id: string, by: Partial<LiveCell>): void {
    const cell = cells.get(id);
    if (cell === undefined) return;
    cells.set(id, { ...cell, ...by });
    touch(id, "row");
  }
  const finished = (result: Result): Partial<LiveCell> => {
    const { epochs, environment } = result;
    return { state: "done", result, epochs, device: deviceLabel(environment) };
  };

  return {
    queue(place, plan, runner) {
      const id = `c${cells.size + 1}`;
      const stop = new AbortController();
      const { group, label } = place;
      const waiting = { state: "queued", isOld: false, device: null, epochs: [], step: null, result: null } as const;
      cells.set(id, { id, group, label, runner, planned: resultOfPlan(plan), ...waiting, failure: null });
      stops.set(id, stop);
      touch(id, "row");
      return {
        signal: stop.signal,
        observer: {
          name: "live page",
          begin: () => change(id, { state: "running", epochs: [], step: null }),
          event(event) {
            const cell = cells.get(id);
            const after = cell === undefined ? null : afterEvent(cell, event);
            if (after === null) return;
            cells.set(id, after.cell);
            touch(id, after.change);
          },
          end(outcome) {
            if ("result" in outcome) return change(id, finished(outcome.result));
            const { code, message } = outcome.failure;
            change(
              id,
              code === "cancelled" ? { state: "cancelled" } : { state: "failed", failure: `${code}: ${message}` },
            );
          },
          doneBefore: (_cell, result) => change(id, { ...finished(result), isOld: true }),
        },
      };
    },
    async snapshot() {
      const rows: string[] = [];
      for (const cell of [...cells.values()]) rows.push(await liveRow(cell));
      return { name: "snapshot", data: { rows, text: sweepText([...cells.values()]) } };
    },
    listen(listener) {
      listeners.add(listener);
      // What changed while the snapshot was drawn is sent again.
      for (const { id, state } of cells.values()) if (state !== "queued") touch(id, "row");
      return () => listeners.delete(listener);
    },
    cancel(id) {
      const state = cells.get(id)?.state;
      if (state !== "running" && state !== "queued") return false;
      stops.get(id)?.abort();
      if (state === "queued") change(id, { state: "cancelled" });
      return true;
    },
    flush,
    say,
  };
}
