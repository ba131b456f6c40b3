import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { deviceLabel, type EpochRecord, type RunEvent, serializeError } from "@thaw/core";
import { VERSION } from "../version.ts";
import { cellFacts } from "./cell-facts.ts";
import { openExperiment } from "./mlflow-experiment.ts";
import { type MlflowEntry, type MlflowMetric, MlflowRun } from "./mlflow-run.ts";
import { type MlflowServer, mlflowAddress, mlflowServer } from "./mlflow-server.ts";
import { type CellEnding, newEpochs, type TrackedCell, type Tracker } from "./tracker.ts";

/** The shortest bound on a value that servers of some age have. */
const VALUE_LENGTH = 500;

function entry(key: string, value: string | number | boolean): MlflowEntry {
  const text = String(value);
  const isLong = text.length > VALUE_LENGTH;
  return { key, value: isLong ? `${text.slice(0, VALUE_LENGTH - 1)}…` : text };
}

function entries(facts: Readonly<Record<string, string | number | boolean>>): MlflowEntry[] {
  return Object.entries(facts).map(([key, value]) => entry(key.replaceAll(/[^\w./ -]/g, "_"), value));
}

function epochMetrics(event: EpochRecord): MlflowMetric[] {
  const { train, validation } = event;
  const values: Readonly<Record<string, number>> = {
    loss: train.loss,
    accuracy: train.accuracy,
    ...(validation === null ? {} : { val_loss: validation.loss, val_accuracy: validation.accuracy }),
    learning_rate: event.learningRate,
    images_per_second: event.imagesPerSecond,
    train_ms: event.trainMs,
  };
  return metricsOf(values, event.epoch);
}

function metricsOf(values: Readonly<Record<string, number>>, step: number): MlflowMetric[] {
  const timestamp = Date.now();
  return Object.entries(values).map(([key, value]) => ({ key, value, step, timestamp }));
}

function finalMetrics({ final, timing, memory }: Extract<CellEnding, { result: unknown }>["result"]): MlflowMetric[] {
  const { train, validation, test, epoch } = final;
  const values: Readonly<Record<string, number>> = {
    final_loss: train.loss,
    final_accuracy: train.accuracy,
    ...(validation === null ? {} : { final_val_loss: validation.loss, final_val_accuracy: validation.accuracy }),
    ...(test === null ? {} : { test_loss: test.loss, test_accuracy: test.accuracy }),
    total_ms: timing.totalMs,
    ...(memory.peakRssBytes === null ? {} : { peak_rss_bytes: memory.peakRssBytes }),
  };
  return metricsOf(values, epoch);
}

function startTags(cell: TrackedCell): MlflowEntry[] {
  return entries({
    "mlflow.source.name": "thaw",
    "mlflow.source.type": "LOCAL",
    "thaw.version": VERSION,
    "thaw.cell": cell.cell,
    "thaw.runner": cell.runner,
  });
}

function deviceTags({ environment }: RunEvent & { readonly type: "start" }): MlflowEntry[] {
  return entries({
    "thaw.device": deviceLabel(environment),
    "thaw.emulated_gpu": environment.device.software,
    "thaw.engine": environment.engine,
  });
}

function statusOf(ending: CellEnding): "FINISHED" | "FAILED" | "KILLED" {
  if ("result" in ending) return "FINISHED";
  return ending.failure.code === "cancelled" ? "KILLED" : "FAILED";
}

/** A run a cell on an MLflow tracking server. A server that goes away costs no training: see {@link MlflowRun}. */
export class MlflowLog implements Tracker {
  readonly name = "MLflow";
  readonly #server: MlflowServer;
  readonly #experimentId: string;
  readonly #output: NodeJS.WritableStream;
  #run: MlflowRun | undefined;
  /** Whether the server's trouble has been told. */
  #inTrouble = false;
  #artifactsTold = false;

  constructor(server: MlflowServer, experimentId: string, output: NodeJS.WritableStream) {
    this.#server = server;
    this.#experimentId = experimentId;
    this.#output = output;
  }

  begin(cell: TrackedCell): void {
    const start = {
      experimentId: this.#experimentId,
      name: cell.cell,
      startedMs: Date.now(),
      params: entries(cellFacts(cell)),
      tags: startTags(cell),
    };
    this.#run = new MlflowRun(this.#server, start, (error) => this.#onTrouble(error));
  }

  event(event: RunEvent): void {
    if (event.type === "start") this.#run?.add([], deviceTags(event));
    for (const epoch of newEpochs(event)) this.#run?.add(epochMetrics(epoch));
  }

  /** @throws ThawError `mlflow-unreachable`, `mlflow-refused` */
  async end(ending: CellEnding): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    if ("result" in ending) {
      run.add(finalMetrics(ending.result), entries({ "thaw.under_trained": ending.result.underTrained }));
      const artifact = { name: basename(ending.file), bytes: await readFile(ending.file) };
      if (!(await run.finish("FINISHED", artifact))) this.#tellOfArtifacts();
    } else {
      run.add([], entries({ "thaw.failure": `${ending.failure.code}: ${ending.failure.message}` }));
      await run.finish(statusOf(ending));
    }
    if (this.#inTrouble) this.#output.write("MLflow: everything has arrived after all\n");
    this.#inTrouble = false;
  }

  beside(): MlflowLog {
    return new MlflowLog(this.#server, this.#experimentId, this.#output);
  }

  #onTrouble(error: unknown): void {
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    const { message } = serializeError(error);
    this.#output.write(`${message} Training goes on; it is tried again with later epochs and at the end\n`);
  }

  #tellOfArtifacts(): void {
    if (this.#artifactsTold) return;
    this.#artifactsTold = true;
    this.#output.write("MLflow: results are not uploaded, the server takes no artifacts over HTTP\n");
  }
}

/**
 * A tracker for the server that MLFLOW_TRACKING_URI names; undefined where it names none.
 * @param experiment its name, where MLFLOW_EXPERIMENT_NAME gives none
 * @throws ThawError `mlflow-address-invalid`, `mlflow-unreachable`, `mlflow-refused`
 */
export async function openMlflow(
  env: Readonly<Record<string, string | undefined>>,
  experiment: string,
  output: NodeJS.WritableStream,
): Promise<MlflowLog | undefined> {
  const address = mlflowAddress(env);
  if (address === undefined) return undefined;
  const server = mlflowServer(address);
  const name = env.MLFLOW_EXPERIMENT_NAME || experiment;
  const id = await openExperiment(server, name);
  output.write(`MLflow: experiment "${name}" at ${address.url}\n`);
  return new MlflowLog(server, id, output);
}
