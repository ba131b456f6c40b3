import type { EpochRecord, Result } from "@thaw/core";

/** How far a cell of a sweep has come. */
export type LiveState = "queued" | "running" | "done" | "failed" | "cancelled";

/** A cell of a sweep while it is watched. */
export interface LiveCell {
  /** Unique in the sweep, fit for an address. */
  readonly id: string;
  readonly group: string;
  readonly label: string;
  readonly runner: string;
  /** The plan's part of the result. */
  readonly planned: Pick<Result, "spec" | "data" | "phases">;
  readonly state: LiveState;
  /** Whether its result was there from an earlier run. */
  readonly isOld: boolean;
  /** As a person reads it; null until the run says it. */
  readonly device: string | null;
  readonly epochs: readonly EpochRecord[];
  readonly step: { readonly step: number; readonly totalSteps: number; readonly loss: number } | null;
  /** Present when it is done. */
  readonly result: Result | null;
  /** Why it failed. */
  readonly failure: string | null;
}

/** Epochs that a cell will have. */
export function epochsOf({ planned }: LiveCell): number {
  return planned.phases.reduce((sum, { epochs }) => sum + epochs, 0);
}

/** How much of a cell is done, 0…1. */
export function shareOf(cell: LiveCell): number {
  if (cell.state === "done") return 1;
  return cell.step === null || cell.step.totalSteps === 0 ? 0 : cell.step.step / cell.step.totalSteps;
}

/** `4 s`, `2.6 min` */
function durationText(ms: number): string {
  return ms < 60_000 ? `${Math.max(1, Math.round(ms / 1000))} s` : `${(ms / 60_000).toFixed(1)} min`;
}

/** Where a cell stands, in words. */
export function stateText(cell: LiveCell): string {
  const { state, isOld, step, epochs, result, failure } = cell;
  switch (state) {
    case "queued":
      return "queued";
    case "running": {
      if (step === null) return "starting";
      const epoch = Math.min(epochs.length + 1, epochsOf(cell));
      return `epoch ${epoch} of ${epochsOf(cell)}`;
    }
    case "done":
      return isOld ? "done before" : `done in ${durationText(result?.timing.totalMs ?? 0)}`;
    case "failed":
      return `failed: ${failure ?? "no reason given"}`;
    case "cancelled":
      return "cancelled: no result is kept; the next sweep runs it again";
  }
}
