import { closeSync, openSync, writeSync } from "node:fs";
import { ThawError } from "@thaw/core";

/** What is held back at most, so that a step costs no system call. */
const BATCH_BYTES = 64 * 1024;
/** How old the oldest of it gets. */
const BATCH_MS = 250;

/** A new file that is appended to in batches of whole records: a killed process has lost the last quarter second. */
export class BatchedFile {
  readonly #file: string;
  readonly #descriptor: number;
  #records: Uint8Array[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #failure: ThawError | undefined;

  /** @throws ThawError `result-unwritable`, also where the file is there */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#descriptor = openSync(file, "ax");
    } catch (cause) {
      throw this.#unwritable(cause);
    }
  }

  /** @throws ThawError `result-unwritable`, perhaps of an earlier batch */
  append(record: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#records.push(record);
    this.#bytes += record.byteLength;
    if (this.#bytes >= BATCH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.#flushInBackground(), BATCH_MS);
  }

  /** @throws ThawError `result-unwritable` */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = Buffer.concat(this.#records);
    this.#records = [];
    this.#bytes = 0;
    try {
      for (let start = 0; start < batch.length; ) start += writeSync(this.#descriptor, batch, start);
    } catch (cause) {
      this.#failure = this.#unwritable(cause);
      closeSync(this.#descriptor);
      throw this.#failure;
    }
  }

  /** @throws ThawError `result-unwritable`, perhaps of an earlier batch */
  close(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.flush();
    closeSync(this.#descriptor);
  }

  #flushInBackground(): void {
    try {
      this.flush();
    } catch {
      // kept: the next record, or the end, tells it
    }
  }

  #unwritable(cause: unknown): ThawError {
    return new ThawError("result-unwritable", `${this.#file} cannot be written: ${(cause as Error).message}.`, {
      hint: "Check the folder's rights and the free space.",
      cause,
    });
  }
}
