import { type Result, type RunEvent, serializeError } from "@thaw/core";
import type { CellEnding, TrackedCell, Tracker } from "./tracker.ts";

/**
 * All trackers of a command as one. A tracker that fails while a cell trains is reported once and left out until the
 * next cell: what it would have recorded is lost, the training is not.
 */
export class Tracking {
  /** Whether any tracker has lost something. */
  lost = false;
  readonly #trackers: readonly Tracker[];
  readonly #output: NodeJS.WritableStream;
  #active: Tracker[] = [];
  #cell = "";
  #onLoss: () => void = () => undefined;

  constructor(trackers: readonly Tracker[], output: NodeJS.WritableStream) {
    this.#trackers = trackers;
    this.#output = output;
  }

  /**
   * @param others trackers of this cell alone
   * @throws ThawError what keeps a tracker from recording the cell; the cell then must not run
   */
  async begin(cell: TrackedCell, others: readonly Tracker[] = []): Promise<void> {
    this.#active = [];
    this.#cell = cell.cell;
    for (const tracker of [...this.#trackers, ...others]) {
      try {
        await tracker.begin(cell);
      } catch (error) {
        await this.end({ failure: serializeError(error) });
        throw error;
      }
      this.#active.push(tracker);
    }
  }

  event(event: RunEvent): void {
    for (const tracker of this.#active) {
      try {
        tracker.event(event);
      } catch (error) {
        this.#active = this.#active.filter((other) => other !== tracker);
        this.#report(tracker, error);
      }
    }
  }

  async end(ending: CellEnding): Promise<void> {
    for (const tracker of this.#active) await this.#attempt(tracker, () => tracker.end(ending));
    this.#active = [];
  }

  doneBefore(cell: TrackedCell, result: Result, others: readonly Tracker[] = []): void {
    for (const tracker of [...this.#trackers, ...others]) tracker.doneBefore?.(cell, result);
    const silent = this.#trackers.filter((tracker) => tracker.doneBefore === undefined).map(({ name }) => name);
    if (silent.length > 0) this.#output.write(`${cell.cell}: done before, not sent again to ${silent.join(", ")}\n`);
  }

  /** The same trackers for a cell that runs beside others. */
  beside(): Tracking {
    const beside = new Tracking(
      this.#trackers.map((tracker) => tracker.beside?.() ?? tracker),
      this.#output,
    );
    beside.#onLoss = (): void => {
      this.lost = true;
    };
    return beside;
  }

  async close(): Promise<void> {
    for (const tracker of this.#trackers) await this.#attempt(tracker, () => tracker.close?.());
  }

  async #attempt(tracker: Tracker, work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#report(tracker, error);
    }
  }

  #report({ name }: Tracker, error: unknown): void {
    this.lost = true;
    this.#onLoss();
    const { code, message, hint } = serializeError(error);
    this.#output.write(
      `${this.#cell}: ${name} lost data (${code}): ${message}${hint === undefined ? "" : ` ${hint}`}\n`,
    );
  }
}
