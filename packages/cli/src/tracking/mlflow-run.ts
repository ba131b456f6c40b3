import { serializeError, ThawError } from "@thaw/core";
import { z } from "zod";
import type { MlflowServer } from "./mlflow-server.ts";

/** A parameter or a tag. */
export interface MlflowEntry {
  readonly key: string;
  readonly value: string;
}

/** A metric's value at a step. */
export interface MlflowMetric {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  /** ms since 1970 */
  readonly timestamp: number;
}

/** What a run begins with. */
export interface MlflowRunStart {
  readonly experimentId: string;
  readonly name: string;
  readonly startedMs: number;
  readonly params: readonly MlflowEntry[];
  readonly tags: readonly MlflowEntry[];
}

/** MLflow takes 1000 metrics, and 100 parameters or tags, in one request. */
const METRICS_A_REQUEST = 900;
const ENTRIES_A_REQUEST = 90;
/** A server that failed is left alone for so long while training goes on. */
const PAUSE_MS = 5000;
/** Pauses before the last attempts, at a run's end. */
const LAST_PAUSES_MS = [1000, 3000] as const;

const runSchema = z.object({ run: z.object({ info: z.object({ run_id: z.string(), artifact_uri: z.string() }) }) });

/** Whether another attempt may go better. */
function passes(error: unknown): boolean {
  const { code, details } = serializeError(error);
  const status = Number(details?.status);
  return code === "mlflow-unreachable" || status === 429 || status >= 500;
}

/** JSON has no words for these; protobuf's JSON has. */
function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/**
 * One run on a tracking server. What is added is sent in the background, a request at a time; what fails is kept and
 * tried again with what comes later, and at the end.
 */
export class MlflowRun {
  readonly #server: MlflowServer;
  readonly #start: MlflowRunStart;
  readonly #onTrouble: (error: unknown) => void;
  readonly #params: MlflowEntry[];
  readonly #tags: MlflowEntry[] = [];
  readonly #metrics: MlflowMetric[] = [];
  #info: z.output<typeof runSchema>["run"]["info"] | undefined;
  #sending: Promise<void> | undefined;
  #pausedUntilMs = 0;

  /** @param onTrouble is told of every attempt in the background that failed */
  constructor(server: MlflowServer, start: MlflowRunStart, onTrouble: (error: unknown) => void) {
    this.#server = server;
    this.#start = start;
    this.#onTrouble = onTrouble;
    this.#params = [...start.params];
    this.#sendInBackground();
  }

  add(metrics: readonly MlflowMetric[], tags: readonly MlflowEntry[] = []): void {
    this.#metrics.push(...metrics);
    this.#tags.push(...tags);
    this.#sendInBackground();
  }

  /**
   * Sends what is left, then the file, and ends the run.
   * @returns whether the file could be sent; a server that does not pass on artifacts takes none
   * @throws ThawError `mlflow-unreachable`, `mlflow-refused`
   */
  async finish(
    status: "FINISHED" | "FAILED" | "KILLED",
    artifact?: { readonly name: string; readonly bytes: Uint8Array },
  ): Promise<boolean> {
    await this.#sending;
    await lastAttempts(() => this.#send());
    const target = artifact === undefined ? undefined : this.#artifactPath(artifact.name);
    if (artifact !== undefined && target !== undefined) {
      await lastAttempts(() => this.#server.putArtifact(target, artifact.bytes));
    }
    const body = { run_id: this.#info?.run_id, status, end_time: Date.now() };
    await lastAttempts(() => this.#server.post("runs/update", body));
    return target !== undefined;
  }

  #sendInBackground(): void {
    if (this.#sending !== undefined || performance.now() < this.#pausedUntilMs) return;
    this.#sending = this.#send()
      .catch((error: unknown) => {
        this.#pausedUntilMs = performance.now() + PAUSE_MS;
        this.#onTrouble(error);
      })
      .finally(() => {
        this.#sending = undefined;
      });
  }

  async #send(): Promise<void> {
    this.#info ??= await this.#create();
    const run_id = this.#info.run_id;
    while (this.#params.length + this.#tags.length + this.#metrics.length > 0) {
      const params = this.#params.slice(0, ENTRIES_A_REQUEST);
      const tags = params.length > 0 ? [] : this.#tags.slice(0, ENTRIES_A_REQUEST);
      const metrics = this.#metrics.slice(0, METRICS_A_REQUEST);
      const values = metrics.map((metric) => ({ ...metric, value: jsonNumber(metric.value) }));
      await this.#server.post("runs/log-batch", { run_id, params, tags, metrics: values });
      this.#params.splice(0, params.length);
      this.#tags.splice(0, tags.length);
      this.#metrics.splice(0, metrics.length);
    }
  }

  async #create(): Promise<z.output<typeof runSchema>["run"]["info"]> {
    const { experimentId, name, startedMs, tags } = this.#start;
    const body = { experiment_id: experimentId, run_name: name, start_time: startedMs, tags };
    const answer = runSchema.safeParse(await this.#server.post("runs/create", body));
    if (answer.success) return answer.data.run.info;
    throw new ThawError("mlflow-refused", "The tracking server's answer names no run.", {
      hint: "Look whether MLFLOW_TRACKING_URI is the address of an MLflow server.",
    });
  }

  /** Below the server's proxy for artifacts; undefined where it keeps them elsewhere. */
  #artifactPath(name: string): string | undefined {
    const root = /^mlflow-artifacts:\/(?!\/)(.+)$/.exec(this.#info?.artifact_uri ?? "")?.[1];
    return root === undefined ? undefined : `${root}/${encodeURIComponent(name)}`;
  }
}

async function lastAttempts(work: () => Promise<unknown>): Promise<void> {
  for (const pauseMs of LAST_PAUSES_MS) {
    try {
      await work();
      return;
    } catch (error) {
      if (!passes(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  await work();
}
