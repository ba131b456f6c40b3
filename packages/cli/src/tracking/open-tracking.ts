import { EventLog } from "./event-log.ts";
import type { Tracker } from "./tracker.ts";
import { Tracking } from "./tracking.ts";

/** Options of commands that train cells. */
export interface TrackingOptions {
  /** File for a table of all epochs. */
  readonly csv?: string;
  /** Folder for TensorBoard. */
  readonly tensorboard?: string;
  /** False: no MLflow, whatever MLFLOW_TRACKING_URI says. */
  readonly mlflow: boolean;
}

/**
 * Opens what is asked for, and loads no more than that: the event log always, a table, TensorBoard, MLflow.
 * @param folder of the results
 * @param experiment MLflow's experiment, where MLFLOW_EXPERIMENT_NAME names none
 * @throws ThawError `result-exists` for a table that would replace another file; `mlflow-address-invalid`,
 *   `mlflow-unreachable`, `mlflow-refused`, before anything runs
 */
export async function openTracking(
  { csv, tensorboard, mlflow }: TrackingOptions,
  folder: string,
  experiment: string,
  output: NodeJS.WritableStream,
): Promise<Tracking> {
  const trackers: Tracker[] = [new EventLog(folder)];
  if (csv !== undefined) {
    const { EpochCsv } = await import("./epoch-csv.ts");
    trackers.push(new EpochCsv(csv));
  }
  if (tensorboard !== undefined) {
    const { TensorBoardLog } = await import("./tensorboard.ts");
    trackers.push(new TensorBoardLog(tensorboard));
  }
  if (mlflow && process.env.MLFLOW_TRACKING_URI) {
    const { openMlflow } = await import("./mlflow.ts");
    const log = await openMlflow(process.env, experiment, output);
    if (log !== undefined) trackers.push(log);
  }
  return new Tracking(trackers, output);
}
