import type { EngineSettings, EpochRecord, Result, RunEvent, resultOfPlan, SerializedError } from "@thaw/core";

/** A cell before it runs, as plain data. */
export interface TrackedCell extends ReturnType<typeof resultOfPlan> {
  /** File name of the result without `.json`. */
  readonly cell: string;
  /** Where in a sweep the cell stands; null for a single run. */
  readonly sweep: Result["sweep"];
  readonly runner: string;
  /** Engine settings asked for. */
  readonly settings: EngineSettings;
  /** Of all phases. */
  readonly epochs: number;
}

/** How a cell ended. */
export type CellEnding = { readonly result: Result; readonly file: string } | { readonly failure: SerializedError };

/** Epochs that an event tells of for the first time: one that ended, or those before the process that goes on. */
export function newEpochs(event: RunEvent): readonly EpochRecord[] {
  if (event.type === "epoch") return [event];
  return event.type === "resume" ? event.epochs : [];
}

/**
 * Keeps a record of cells beside their results. One tracker lives as long as a command; cells come one after the other,
 * each as `begin`, `event` as often as the runner speaks, `end`. Cells that run at once have a tracker each.
 */
export interface Tracker {
  /** What messages call it. */
  readonly name: string;
  /** @throws ThawError where the cell must not run, because its record cannot be kept */
  begin(cell: TrackedCell): void | Promise<void>;
  /** Returns at once: the runner waits. */
  event(event: RunEvent): void;
  end(ending: CellEnding): void | Promise<void>;
  /** In place of the three for a cell whose result an earlier run left; absent where such a cell is not recorded again. */
  doneBefore?(cell: TrackedCell, result: Result): void;
  /**
   * A tracker for a cell that runs beside others, which writes to the same record and needs no closing. Absent where
   * there is nothing to keep apart.
   */
  beside?(): Tracker;
  /** Once, after the last cell. */
  close?(): void | Promise<void>;
}
