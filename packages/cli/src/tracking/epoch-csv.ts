import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { deviceLabel, type Environment, type EpochRecord, type Result, type RunEvent, ThawError } from "@thaw/core";
import { stringify } from "csv-stringify/sync";
import { writeWholeFile } from "../whole-file.ts";
import { freezeText, trainsText } from "./cell-facts.ts";
import { type CellEnding, newEpochs, type TrackedCell, type Tracker } from "./tracker.ts";

const COLUMNS = [
  "sweep",
  "group",
  "label",
  "experiment",
  "cell",
  "runner",
  "device",
  "emulatedGpu",
  "status",
  "freeze",
  "trains",
  "trainableParams",
  "optimizer",
  "batchSize",
  "seed",
  "phase",
  "epoch",
  "learningRate",
  "trainLoss",
  "trainAccuracy",
  "validationLoss",
  "validationAccuracy",
  "trainMs",
  "evaluateMs",
  "imagesPerSecond",
  "specHash",
  "planHash",
] as const;
type Row = Partial<Record<(typeof COLUMNS)[number], string | number>>;
const HEADER = COLUMNS.join(",");
const HINT = "Choose another file for --csv.";

/**
 * A file there may be replaced by the same table only.
 * @throws ThawError `result-exists`, `result-unwritable`
 */
function checkTarget(file: string): void {
  if (!existsSync(file)) return;
  const start = Buffer.alloc(HEADER.length);
  try {
    const descriptor = openSync(file, "r+");
    const length = readSync(descriptor, start);
    closeSync(descriptor);
    if (length === 0 || start.toString() === HEADER) return; // an empty file is what mktemp leaves
  } catch (cause) {
    throw new ThawError("result-unwritable", `${file}: ${(cause as Error).message}.`, { hint: HINT, cause });
  }
  throw new ThawError("result-exists", `${file} exists and is no table of epochs; it is not overwritten.`, {
    hint: HINT,
  });
}

function cellColumns(cell: TrackedCell, environment: Environment | undefined, status: string): Row {
  const { sweep, spec } = cell;
  return {
    ...(sweep === null ? {} : { sweep: sweep.name, group: sweep.group, label: sweep.label }),
    experiment: spec.name,
    cell: cell.cell,
    runner: cell.runner,
    ...(environment === undefined
      ? {}
      : { device: deviceLabel(environment), emulatedGpu: String(environment.device.software) }),
    status,
    batchSize: spec.batchSize,
    seed: spec.seed,
    specHash: cell.specHash,
    planHash: cell.planHash,
  };
}

function phaseColumns({ phases }: TrackedCell, name: string): Row {
  const phase = phases.find((candidate) => candidate.name === name);
  if (phase === undefined) return { phase: name };
  return {
    phase: name,
    freeze: freezeText(phase.freeze),
    trains: trainsText(phase),
    trainableParams: phase.trainable.params,
    optimizer: phase.optimizer.name,
  };
}

function epochColumns(epoch: EpochRecord): Row {
  const { train, validation } = epoch;
  return {
    epoch: epoch.epoch,
    learningRate: epoch.learningRate,
    trainLoss: train.loss,
    trainAccuracy: train.accuracy,
    ...(validation === null ? {} : { validationLoss: validation.loss, validationAccuracy: validation.accuracy }),
    trainMs: epoch.trainMs,
    evaluateMs: epoch.evaluateMs,
    imagesPerSecond: epoch.imagesPerSecond,
  };
}

/**
 * `--csv`: one table of all cells of a command, those that were done before too; a row an epoch, and one without an
 * epoch for a cell that failed before its first. Written whole at the end. Text that a spreadsheet would take for a
 * formula gets a `'` in front.
 */
export class EpochCsv implements Tracker {
  readonly name = "CSV";
  readonly #file: string;
  /** Of each cell, in the order in which the cells began. */
  readonly #rows: Row[][];
  #cell: TrackedCell | undefined;
  #environment: Environment | undefined;
  #own: Row[] = [];
  #epochs: EpochRecord[] = [];

  /**
   * @param rows those of other cells, which run beside these
   * @throws ThawError `result-exists` where the file is no such table
   */
  constructor(file: string, rows?: Row[][]) {
    if (rows === undefined) checkTarget(file);
    this.#file = file;
    this.#rows = rows ?? [];
  }

  begin(cell: TrackedCell): void {
    this.#cell = cell;
    this.#open();
    this.#environment = undefined;
    this.#epochs = [];
  }

  event(event: RunEvent): void {
    if (event.type === "start") this.#environment = event.environment;
    this.#epochs.push(...newEpochs(event));
  }

  end(ending: CellEnding): void {
    if (this.#cell === undefined) return;
    this.#add(this.#cell, this.#environment, "result" in ending ? "finished" : `failed: ${ending.failure.code}`);
    this.#cell = undefined;
  }

  doneBefore(cell: TrackedCell, { environment, epochs }: Result): void {
    this.#open();
    this.#epochs = [...epochs];
    this.#add(cell, environment, "done before");
  }

  beside(): EpochCsv {
    return new EpochCsv(this.#file, this.#rows);
  }

  async close(): Promise<void> {
    const rows = this.#rows.flat();
    if (rows.length === 0) return; // nothing ran: an earlier table stays
    const text = stringify(rows, { header: true, columns: [...COLUMNS], escape_formulas: true });
    await writeWholeFile(this.#file, text, { earlier: "replace", hint: HINT });
  }

  #open(): void {
    this.#own = [];
    this.#rows.push(this.#own);
  }

  #add(cell: TrackedCell, environment: Environment | undefined, status: string): void {
    const columns = cellColumns(cell, environment, status);
    if (this.#epochs.length === 0) this.#own.push(columns);
    for (const epoch of this.#epochs) {
      this.#own.push({ ...columns, ...phaseColumns(cell, epoch.phase), ...epochColumns(epoch) });
    }
  }
}
