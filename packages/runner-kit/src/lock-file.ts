import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";
import { statFields } from "./process-tree.ts";

/** Who holds a lock, as its file says. */
export interface LockOwner {
  readonly pid: number;
  readonly user: string;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** A lock's file. */
interface LockContent extends LockOwner {
  /** Of this one lock. */
  readonly id: string;
  /** Names the boot and the process namespace: process ids of another say nothing here. */
  readonly machine: string;
  /** When the process started, in the system's ticks; null where the system does not tell. */
  readonly processStart: string | null;
}

/** A lock that is held, or who holds it. */
export type LockAttempt =
  | { readonly held: true; readonly release: () => void }
  | { readonly held: false; readonly owner: LockOwner };

/** How often a holder shows that it is alive, for those on other machines. */
const BEAT_MS = 15_000;
/** A holder on another machine that showed nothing for so long is taken for dead. */
const STALE_MS = 8 * BEAT_MS;
/** Takes from a process that died while it took the lock. */
const ATTEMPTS = 20;

function machineId(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname(); // no Linux
  }
}

/** When a process started; null where it is gone or the system does not tell. */
function processStart(pid: number): string | null {
  try {
    return statFields(pid)[19] ?? null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown"); // a container may have no name for its user
  }
}

async function readContent(file: string): Promise<LockContent | "gone" | "broken"> {
  try {
    const content = JSON.parse(await readFile(file, "utf8")) as Partial<LockContent> | null;
    const isWhole = typeof content?.pid === "number" && typeof content.id === "string";
    return isWhole ? (content as LockContent) : "broken";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "gone" : "broken";
  }
}

/** Age of a lock by the clock of the file system that it lies on: those of two machines may differ. */
async function ageMs(file: string, fresh: string): Promise<number> {
  await writeFile(fresh, "");
  try {
    return (await stat(fresh)).mtimeMs - (await stat(file)).mtimeMs;
  } finally {
    await rm(fresh, { force: true });
  }
}

async function isStale(file: string, content: LockContent | "broken", fresh: string): Promise<boolean> {
  if (content !== "broken" && content.machine === machineId()) {
    const start = processStart(content.pid);
    return !isAlive(content.pid) || (start !== null && content.processStart !== null && start !== content.processStart);
  }
  return (await ageMs(file, fresh)) > STALE_MS;
}

/** Removes a stale lock, and no other that has come in its place meanwhile. */
async function removeStale(file: string, stale: LockContent | "broken", aside: string): Promise<void> {
  await rename(file, aside);
  const moved = await readContent(aside);
  const isOther = moved !== "gone" && moved !== "broken" && (stale === "broken" || moved.id !== stale.id);
  if (isOther) await link(aside, file).catch(() => undefined); // a third one is there: it found the place free
  await rm(aside, { force: true });
}

function hold(file: string, id: string): LockAttempt {
  const isMine = (): boolean => {
    try {
      return (JSON.parse(readFileSync(file, "utf8")) as LockContent).id === id;
    } catch {
      return false;
    }
  };
  const beat = setInterval(() => {
    try {
      if (isMine()) appendFileSync(file, "\n"); // its time is then that of the file system's clock
    } catch {
      // whoever takes it for dead does so after many beats
    }
  }, BEAT_MS).unref();
  return {
    held: true,
    release() {
      clearInterval(beat);
      if (isMine()) rmSync(file, { force: true });
    },
  };
}

/**
 * Takes a lock, unless somebody alive has it. A lock whose process is gone is taken over at once; one of another machine
 * after two minutes without a sign of life.
 * @param file is made, with its folder; it names its owner
 * @throws the file system's own error where the file cannot be written
 */
export async function takeLock(file: string): Promise<LockAttempt> {
  const id = randomUUID();
  const temporary = `${file}.${id}.part`;
  const content: LockContent = {
    pid: process.pid,
    user: userName(),
    host: hostname(),
    since: new Date().toISOString(),
    id,
    machine: machineId(),
    processStart: processStart(process.pid),
  };
  await makeFolder(dirname(file));
  try {
    for (let attempt = 1; ; attempt += 1) {
      await writeFile(temporary, `${JSON.stringify(content, null, 1)}\n`);
      try {
        await link(temporary, file); // fails where the file exists
        return hold(file, id);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt === ATTEMPTS) throw error;
      }
      const owner = await readContent(file);
      if (owner === "gone") continue;
      const stale = await isStale(file, owner, temporary).catch(() => true); // released while it was looked at
      if (!stale) return { held: false, owner: owner === "broken" ? { ...content, pid: 0, host: "unknown" } : owner };
      await removeStale(file, owner, `${temporary}.stale`).catch(() => undefined); // another one was faster
    }
  } finally {
    await rm(temporary, { force: true });
  }
}
