import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { type FeatureCachePlan, type FeatureStore, type Features, sizeOf, ThawError } from "@thaw/core";

/** In front of each record: its key (a double), and the SHA-256 of key and data. */
const KEY_BYTES = 8;
const HEADER_BYTES = KEY_BYTES + 32;

/** Kept outputs that nobody asked for in this time are removed. */
const STALE_MS = 3 * 24 * 60 * 60 * 1000;

function digestOf(key: Buffer, data: Buffer): Buffer {
  return createHash("sha256").update(key).update(data).digest();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes what is stale, then the oldest until `room` is free below `limit`. Files in use have a lock beside them. */
function sweep(folder: string, keep: string, limit: number, room: number): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".features") && name !== keep)
    .filter((name) => !isLocked(join(folder, name)))
    .map((name) => ({ path: join(folder, name), stat: statSync(join(folder, name)) }))
    .sort((a, b) => a.stat.mtimeMs - b.stat.mtimeMs);
  let used = files.reduce((sum, { stat }) => sum + stat.size, 0);
  for (const { path, stat } of files) {
    if (Date.now() - stat.mtimeMs < STALE_MS && used + room <= limit) continue;
    rmSync(path, { force: true });
    used -= stat.size;
  }
}

function lockHolder(file: string): number | undefined {
  const name = `${file}.lock`;
  return existsSync(name) ? statSync(name).size : undefined;
}

/** A lock's length is its holder's process id: made and named in one step. */
function isLocked(file: string): boolean {
  const holder = lockHolder(file);
  return holder !== undefined && isAlive(holder);
}

function takeLock(file: string): boolean {
  if (!isLocked(file)) rmSync(`${file}.lock`, { force: true });
  try {
    const lock = openSync(`${file}.lock`, "wx");
    writeSync(lock, Buffer.alloc(process.pid));
    closeSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
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
  try {
    mkdirSync(folder, { recursive: true });
    if (!takeLock(file)) {
      file = join(folder, `${key}-${process.pid}.features`); // the other run's is not finished
      own = true;
      takeLock(file);
    }
    sweep(folder, own ? "" : `${key}.features`, limit, recordBytes * plan.keeps);
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
      await handle.write(Buffer.concat([head, digestOf(head, data), data]), 0, recordBytes, slot * recordBytes);
      slots.set(wanted, slot);
    },
    async close() {
      await handle.close();
      if (own) rmSync(file, { force: true });
      else utimesSync(file, new Date(), new Date());
      rmSync(`${file}.lock`, { force: true });
    },
  };
}
