import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, join } from "node:path";
import { type FeatureCachePlan, type FeatureStore, type Features, sizeOf, ThawError } from "@thaw/core";
import { type LockAttempt, takeLock } from "./lock-file.ts";

/** In front of each record: its key (a double), and the SHA-256 of key and data. */
const KEY_BYTES = 8;
const HEADER_BYTES = KEY_BYTES + 32;

/** Kept outputs that nobody asked for in this time are removed. */
const STALE_MS = 3 * 24 * 60 * 60 * 1000;

function digestOf(key: Buffer, data: Buffer): Buffer {
  return createHash("sha256").update(key).update(data).digest();
}

/** Removes what is stale, then the oldest until `room` is free below `limit`. Files in use have a lock beside them. */
async function sweep(folder: string, keep: string, limit: number, room: number): Promise<void> {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".features") && name !== keep)
    .map((name) => ({ path: join(folder, name), stat: statSync(join(folder, name)) }))
    .sort((a, b) => a.stat.mtimeMs - b.stat.mtimeMs);
  let used = files.reduce((sum, { stat }) => sum + stat.size, 0);
  for (const { path, stat } of files) {
    if (Date.now() - stat.mtimeMs < STALE_MS && used + room <= limit) continue;
    const lock = await takeLock(`${path}.lock`);
    if (!lock.held) continue;
    rmSync(path, { force: true });
    lock.release();
    used -= stat.size;
  }
}

/** Reads the keys of the whole records of a file; whatever a killed run left half-written is not among them. */
async function wholeRecords(handle: FileHandle, recordBytes: number): Promise<Map<number, number>> {
  const slots = new Map<number, number>();
  const { size } = await handle.stat();
  const record = Buffer.alloc(recordBytes);
  for (let slot = 0; (slot + 1) * recordBytes <= size; slot += 1) {
    await handle.read(record, 0, recordBytes, slot * recordBytes);
    const [key, data] = [record.subarray(0, KEY_BYTES), record.subarray(HEADER_BYTES)];
    if (!digestOf(key, data).equals(record.subarray(KEY_BYTES, HEADER_BYTES))) break;
    slots.set(key.readDoubleLE(0), slot);
  }
  return slots;
}

/** @throws ThawError `cache-unusable` where the disk is full or fails */
async function writeWhole(handle: FileHandle, record: Buffer, position: number, file: string): Promise<void> {
  const failed = (problem: string, cause?: unknown): ThawError =>
    new ThawError("cache-unusable", `The feature cache cannot write to ${file}: ${problem}.`, {
      hint: "Free some space, or run with --cache-disk 0 to keep nothing on disk; a run with a checkpoint goes on from it.",
      cause,
    });
  let written: number;
  try {
    ({ bytesWritten: written } = await handle.write(record, 0, record.length, position));
  } catch (cause) {
    throw failed((cause as Error).message, cause);
  }
  if (written < record.length) throw failed(`${written} of ${record.length} bytes were taken`);
}

/**
 * Keeps outputs of the frozen prefix in a file, each with its hash. The file stays: a run that was killed goes on with
 * it, and so does another run with the same prefix. Two runs at once have a file each.
 * @param folder is made
 * @param key names all that decides the outputs
 * @param limit bytes for all such files together; the oldest make room
 * @throws ThawError `cache-unusable` where the folder cannot be written to
 */
export async function openFeatureFiles(
  folder: string,
  key: string,
  plan: FeatureCachePlan,
  limit: number,
): Promise<FeatureStore> {
  const sizes = plan.tensors.map(({ shape }) => sizeOf(shape));
  const recordBytes = HEADER_BYTES + 4 * sizes.reduce((sum, size) => sum + size, 0);
  let [file, own] = [join(folder, `${key}.features`), false];
  let handle: FileHandle;
  let lock: LockAttempt;
  try {
    lock = await takeLock(`${file}.lock`);
    if (!lock.held) {
      file = join(folder, `${key}-${process.pid}.features`); // the other run's is not finished
      own = true;
      lock = await takeLock(`${file}.lock`);
    }
    await sweep(folder, basename(file), limit, recordBytes * plan.keeps);
    handle = await open(file, existsSync(file) ? "r+" : "w+");
  } catch (error) {
    throw new ThawError("cache-unusable", `The feature cache cannot use ${folder}: ${(error as Error).message}.`, {
      hint: "Set THAW_CACHE to a folder that you may write to, or --cache-disk 0 to keep nothing on disk.",
      cause: error,
    });
  }
  const slots = await wholeRecords(handle, recordBytes);
  let next = slots.size;
  return {
    has: (wanted) => slots.has(wanted),
    isFull: () => slots.size >= plan.keeps,
    async read(wanted): Promise<Features> {
      const record = Buffer.alloc(recordBytes);
      const slot = slots.get(wanted) ?? -1;
      await handle.read(record, 0, recordBytes, slot * recordBytes);
      const [head, data] = [record.subarray(0, KEY_BYTES), record.subarray(HEADER_BYTES)];
      const whole = digestOf(head, data).equals(record.subarray(KEY_BYTES, HEADER_BYTES));
      if (!whole || head.readDoubleLE(0) !== wanted) {
        throw new ThawError("cache-corrupt", `Kept outputs in ${file} are not what was written.`, {
          hint: "Remove the file and run again; the disk may be failing.",
        });
      }
      const values = new Float32Array(Uint8Array.from(data).buffer);
      let start = 0;
      return sizes.map((size) => {
        start += size;
        return values.subarray(start - size, start);
      });
    },
    async write(wanted, features) {
      if (slots.has(wanted) || slots.size >= plan.keeps) return;
      const head = Buffer.alloc(KEY_BYTES);
      head.writeDoubleLE(wanted);
      const data = Buffer.concat(
        features.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
      );
      const slot = next;
      next += 1;
      await writeWhole(handle, Buffer.concat([head, digestOf(head, data), data]), slot * recordBytes, file);
      slots.set(wanted, slot);
    },
    async close() {
      await handle.close();
      if (own) rmSync(file, { force: true });
      else utimesSync(file, new Date(), new Date());
      if (lock.held) lock.release();
    },
  };
}
