import type { Plan, Result, RunEvent, SerializedError } from "@thaw/core";

/** A cell that begins. */
export interface ObservedCell {
  /** Its file's name without `.json`. */
  readonly cell: string;
  readonly runner: string;
  readonly plan: Plan;
  readonly sweep: Result["sweep"];
}

/** Is told of a cell as it goes on: once that it begins, then of every event, once how it ended. */
export interface CellObserver {
  begin(cell: ObservedCell): void;
  event(event: RunEvent): void;
  end(outcome: { readonly result: Result } | { readonly failure: SerializedError }): void;
}
