import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { deviceLabel, type EpochRecord, type RunEvent, ThawError } from "@thaw/core";
import { cellFacts } from "./cell-facts.ts";
import { type EventFile, openEventFile } from "./event-file.ts";
import { HPARAMS_PLUGIN, SESSION_END_TAG, SESSION_START_TAG, sessionEnd, sessionStart } from "./hparams.ts";
import { type CellEnding, newEpochs, type TrackedCell, type Tracker } from "./tracker.ts";

/**
 * Makes a folder of its own for an attempt: `<cell>`, or `<cell>.attempt-2` and so on where it is taken. TensorBoard
 * may be reading the earlier one, and would mix up what shares a folder.
 */
function attemptFolder(folder: string, cell: string): string {
  for (let attempt = 1; ; attempt += 1) {
    const path = join(folder, attempt === 1 ? cell : `${cell}.attempt-${attempt}`);
    try {
      mkdirSync(path);
      return path;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    }
  }
}

/** As Keras names such a file. */
function eventFileName(startedMs: number): string {
  return `events.out.tfevents.${Math.floor(startedMs / 1000)}.${hostname()}.${process.pid}.0.v2`;
}

interface EventFiles {
  readonly session: EventFile;
  readonly train: EventFile;
  /** Absent where nothing is held out. */
  readonly validation?: EventFile;
}

/**
 * `--tensorboard`: a run a cell with the sub-runs `train` and `validation`, tags and steps as Keras's TensorBoard
 * callback has them: epochs from 0, steps from 1. `batch_loss` is the batch's own loss, where Keras gives the running mean.
 * @see keras.callbacks.TensorBoard
 */
export class TensorBoardLog implements Tracker {
  readonly name = "TensorBoard";
  readonly #folder: string;
  #cell: TrackedCell | undefined;
  #files: EventFiles | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws ThawError `result-unwritable` */
  async begin(cell: TrackedCell): Promise<void> {
    const name = eventFileName(Date.now());
    const open = async (folder: string): Promise<EventFile> => {
      mkdirSync(folder, { recursive: true });
      return await openEventFile(join(folder, name));
    };
    try {
      mkdirSync(this.#folder, { recursive: true });
      const folder = attemptFolder(this.#folder, cell.cell);
      this.#cell = cell;
      this.#files = {
        session: await open(folder),
        train: await open(join(folder, "train")),
        ...(cell.data.validation === 0 ? {} : { validation: await open(join(folder, "validation")) }),
      };
    } catch (cause) {
      if (cause instanceof ThawError) throw cause;
      throw new ThawError("result-unwritable", `${this.#folder}: ${(cause as Error).message}.`, {
        hint: "Choose another folder for --tensorboard.",
        cause,
      });
    }
  }

  event(event: RunEvent): void {
    if (event.type === "step") this.#files?.train.scalars(event.step, { batch_loss: event.loss });
    for (const epoch of newEpochs(event)) this.#epoch(epoch);
    if (event.type === "start" && this.#cell !== undefined) {
      const facts = { ...cellFacts(this.#cell), device: deviceLabel(event.environment) };
      const content = sessionStart(this.#cell.cell, facts, Date.now());
      this.#files?.session.pluginData(SESSION_START_TAG, HPARAMS_PLUGIN, content);
    }
  }

  end(ending: CellEnding): void {
    const files = this.#files;
    this.#files = undefined;
    this.#cell = undefined;
    const content = sessionEnd("result" in ending ? "success" : "failure", Date.now());
    files?.session.pluginData(SESSION_END_TAG, HPARAMS_PLUGIN, content);
    files?.session.close();
    files?.train.close();
    files?.validation?.close();
  }

  beside(): TensorBoardLog {
    return new TensorBoardLog(this.#folder);
  }

  #epoch({ epoch, train, validation, learningRate, imagesPerSecond }: EpochRecord): void {
    this.#files?.train.scalars(epoch - 1, {
      epoch_loss: train.loss,
      epoch_accuracy: train.accuracy,
      epoch_learning_rate: learningRate,
      epoch_images_per_second: imagesPerSecond,
    });
    if (validation === null) return;
    this.#files?.validation?.scalars(epoch - 1, { epoch_loss: validation.loss, epoch_accuracy: validation.accuracy });
  }
}
