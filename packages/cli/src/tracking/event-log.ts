import { linkSync, mkdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { type RunEvent, serializeError, ThawError } from "@thaw/core";
import { whatTrains } from "../table.ts";
import { VERSION } from "../version.ts";
import { BatchedFile } from "./batched-file.ts";
import type { CellEnding, TrackedCell, Tracker } from "./tracker.ts";

/**
 * Moves the log of an earlier attempt, one that left no result, out of the way: to `<cell>.attempt-1.events.jsonl`, or
 * the next number that is free.
 */
function setAside(folder: string, cell: string): void {
  const log = join(folder, `${cell}.events.jsonl`);
  for (let attempt = 1; ; attempt += 1) {
    try {
      linkSync(log, join(folder, `${cell}.attempt-${attempt}.events.jsonl`)); // never over another
      unlinkSync(log);
      return;
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT") return; // the first attempt
      if (code !== "EEXIST") {
        const hint = "Move the file away, or choose another folder with --out.";
        throw new ThawError("result-unwritable", `${log} cannot be set aside: ${message}.`, { hint, cause });
      }
    }
  }
}

function firstLine({ phases, cell, sweep, runner, settings, epochs, specHash, planHash }: TrackedCell): object {
  return {
    type: "cell",
    cell,
    sweep,
    runner,
    settings,
    specHash,
    planHash,
    thawVersion: VERSION,
    epochs,
    phases: phases.map((phase) => ({ name: phase.name, epochs: phase.epochs, trains: whatTrains(phase).split("\n") })),
  };
}

function lastLine(ending: CellEnding): object {
  if ("result" in ending) return { type: "finished", result: `${ending.result.cell}.json` };
  const { code, message, hint } = ending.failure;
  return { type: "failed", code, message, ...(hint === undefined ? {} : { hint }) };
}

/**
 * Everything that a runner says, beside the cell's result as `<cell>.events.jsonl`: a JSON object a line, each with its
 * time (ISO 8601, UTC). The first line has the type `cell`, the last one `finished` or `failed`.
 */
export class EventLog implements Tracker {
  readonly name = "event log";
  readonly #folder: string;
  #file: BatchedFile | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  begin(cell: TrackedCell): void {
    try {
      mkdirSync(this.#folder, { recursive: true });
    } catch (cause) {
      const { message } = serializeError(cause);
      throw new ThawError("result-unwritable", `${this.#folder} cannot be made: ${message}.`, {
        hint: "Choose another folder with --out.",
        cause,
      });
    }
    setAside(this.#folder, cell.cell);
    this.#file = new BatchedFile(join(this.#folder, `${cell.cell}.events.jsonl`));
    this.#write(firstLine(cell));
    this.#file.flush();
  }

  event(event: RunEvent): void {
    this.#write(event);
  }

  end(ending: CellEnding): void {
    try {
      this.#write(lastLine(ending));
    } finally {
      this.#file?.close();
      this.#file = undefined;
    }
  }

  beside(): EventLog {
    return new EventLog(this.#folder);
  }

  doneBefore(): void {
    // its log lies beside its result
  }

  #write(line: object): void {
    this.#file?.append(Buffer.from(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`));
  }
}
