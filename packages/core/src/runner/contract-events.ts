import { ThawError } from "../error.ts";
import type { Outcome } from "./outcome.ts";
import type { RunEvent } from "./runner.ts";

/** The outcome that a whole run's events end with. */
export function outcomeOf(events: readonly RunEvent[]): Outcome {
  const last = events.at(-1);
  if (last?.type !== "end") throw new ThawError("internal", "The last event is no end.");
  return last.outcome;
}
