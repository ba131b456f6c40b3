import { serializeError } from "../error.ts";
import type { Plan } from "../plan/plan.ts";
import type { Host, RunEvent } from "../runner/runner.ts";
import {
  type Checkpoint,
  type CheckpointStore,
  checkpointIdentity,
  readCheckpoint,
  writeCheckpoint,
} from "./checkpoint.ts";

/** Writes a run's checkpoints when it is time, and finds the one that an earlier process left. */
export class Checkpoints {
  readonly #store: CheckpointStore;
  readonly #identity: string;
  readonly #now: () => number;
  #writtenMs: number;
  #failed = false;

  constructor(store: CheckpointStore, identity: string, now: () => number) {
    this.#store = store;
    this.#identity = identity;
    this.#now = now;
    this.#writtenMs = now();
  }

  static async open(store: CheckpointStore, plan: Plan, { environment, now }: Host): Promise<Checkpoints> {
    return new Checkpoints(store, await checkpointIdentity(plan, store.by, environment), now);
  }

  /** Whether it is time for one. */
  get isDue(): boolean {
    return this.#now() - this.#writtenMs >= this.#store.everyMs;
  }

  /**
   * Finds what to go on from. One that is damaged, or of another engine, is told and left: the run starts again.
   * @returns null where there is none
   */
  async *read(): AsyncGenerator<RunEvent, Checkpoint | null> {
    try {
      const bytes = await this.#store.read();
      return bytes === null ? null : await readCheckpoint(bytes, this.#identity);
    } catch (error) {
      const { message } = serializeError(error);
      yield { type: "warning", code: "checkpoint-ignored", message: `${message} The run starts again.` };
      return null;
    }
  }

  /** Writes one. A disk that is full costs the checkpoint, not the run, and is told once until it is not. */
  async *write(checkpoint: Checkpoint): AsyncGenerator<RunEvent, void> {
    const startedMs = this.#now();
    const { epochs, stepMs } = checkpoint.run;
    try {
      const bytes = await writeCheckpoint(checkpoint, this.#identity);
      await this.#store.write(bytes);
      this.#failed = false;
      const ms = this.#now() - startedMs;
      yield { type: "checkpoint", epoch: epochs.length + 1, step: stepMs.length, bytes: bytes.byteLength, ms };
    } catch (error) {
      const { message } = serializeError(error);
      const lost = `No checkpoint after step ${stepMs.length}: ${message}`;
      if (!this.#failed) yield { type: "warning", code: "checkpoint-failed", message: lost };
      this.#failed = true;
    }
    this.#writtenMs = this.#now();
  }
}
