import type { RunEvent } from "@thaw/core";

/** Curves over epochs as columns of equal length; null where a curve has no point. */
export interface CurvePoints {
  /** Epochs, with fractions. */
  readonly at: readonly number[];
  /** Loss of single batches. */
  readonly batchLoss: readonly (number | null)[];
  readonly trainLoss: readonly (number | null)[];
  readonly validationLoss: readonly (number | null)[];
  /** Percent. */
  readonly trainAccuracy: readonly (number | null)[];
  readonly validationAccuracy: readonly (number | null)[];
}

interface Row {
  at: number;
  batchLoss: number | null;
  trainLoss: number | null;
  validationLoss: number | null;
  trainAccuracy: number | null;
  validationAccuracy: number | null;
}

/** Collects a run's points. */
export interface CurveRecorder {
  note(event: RunEvent): void;
  read(): CurvePoints;
}

/** More points than a curve has pixels help nobody: single batches are thinned out behind so many. */
const MOST_BATCHES = 2000;

const percent = (share: number | undefined): number | null => (share === undefined ? null : share * 100);

/** Starts empty curves for a run of so many steps an epoch. */
export function curveRecorder(stepsPerEpoch: number): CurveRecorder {
  let rows: Row[] = [];
  const rowAt = (at: number): Row => {
    const last = rows.at(-1);
    if (last?.at === at) return last;
    const row: Row = {
      at,
      batchLoss: null,
      trainLoss: null,
      validationLoss: null,
      trainAccuracy: null,
      validationAccuracy: null,
    };
    rows.push(row);
    return row;
  };
  const column = (name: keyof Omit<Row, "at">): readonly (number | null)[] => rows.map((row) => row[name]);
  return {
    note(event) {
      if (event.type === "step") rowAt(event.step / stepsPerEpoch).batchLoss = event.loss;
      if (event.type !== "epoch") return;
      Object.assign(rowAt(event.epoch), {
        trainLoss: event.train.loss,
        validationLoss: event.validation?.loss ?? null,
        trainAccuracy: percent(event.train.accuracy),
        validationAccuracy: percent(event.validation?.accuracy),
      });
      if (rows.length > MOST_BATCHES)
        rows = rows.filter(({ trainLoss }, index) => trainLoss !== null || index % 2 === 0);
    },
    read: () => ({
      at: rows.map(({ at }) => at),
      batchLoss: column("batchLoss"),
      trainLoss: column("trainLoss"),
      validationLoss: column("validationLoss"),
      trainAccuracy: column("trainAccuracy"),
      validationAccuracy: column("validationAccuracy"),
    }),
  };
}
