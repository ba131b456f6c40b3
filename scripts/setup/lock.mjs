import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A lock of another host (a cache in a shared home folder) cannot be looked into: it counts as held for this long. */
const FOREIGN_LOCK_MS = 60 * 60 * 1000;

/**
 * @typedef {{ pid: number, host: string, startedAt: string | undefined }} Holder
 * @typedef {{ add: (pid: number) => void, release: () => void }} Lock
 */

/**
 * Takes a lock that only one set-up holds at a time. The lock file names the set-up and the commands it has started:
 * it counts as held while any of them lives, so a set-up killed in the middle of `pnpm install` is waited for until
 * its orphan ends, and then its lock is taken over.
 * @param {string} path the lock file; its folder is made
 * @param {{ onWait?: (holder: Holder) => void, pollMs?: number }} [options]
 * @returns {Promise<Lock>}
 */
export async function acquireLock(path, { onWait, pollMs = 200 } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  /** @type {Holder[]} */
  let holders = [holderOf(process.pid)];
  writeFileSync(own, JSON.stringify(holders));
  let told = false;
  try {
    while (!link(own, path)) {
      const found = read(path);
      const alive = found?.holders.find((holder) => isAlive(holder, found.ageMs));
      if (found !== undefined && alive === undefined) {
        takeAway(path, found.text);
        continue;
      }
      if (alive !== undefined && !told) onWait?.(alive);
      told = told || alive !== undefined;
      await sleep(pollMs);
    }
  } finally {
    rmSync(own, { force: true });
  }
  return {
    add(pid) {
      holders = [...holders.filter((holder) => isAlive(holder, 0)), holderOf(pid)];
      writeFileSync(own, JSON.stringify(holders));
      renameSync(own, path);
    },
    release() {
      const mine = read(path)?.holders.some((holder) => holder.pid === process.pid && holder.host === hostname());
      if (mine) rmSync(path, { force: true });
    },
  };
}

/** Linking a finished file makes the lock and its content appear in one step. */
function link(/** @type {string} */ from, /** @type {string} */ to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * @param {string} path
 * @returns {{ text: string, ageMs: number, holders: Holder[] } | undefined} undefined: released meanwhile
 */
function read(path) {
  let text;
  let ageMs;
  try {
    text = readFileSync(path, "utf8");
    ageMs = Date.now() - statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
  try {
    const holders = JSON.parse(text);
    return { text, ageMs, holders: Array.isArray(holders) ? holders : [] };
  } catch {
    return { text, ageMs, holders: [] };
  }
}

/** Two waiters may both find the lock stale; the rename lets one have it, and a live lock caught by mistake goes back. */
function takeAway(/** @type {string} */ path, /** @type {string} */ staleText) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readFileSync(aside, "utf8") !== staleText) link(aside, path);
  rmSync(aside, { force: true });
}

/** @returns {Holder} */
function holderOf(/** @type {number} */ pid) {
  return { pid, host: hostname(), startedAt: startOf(pid) };
}

function isAlive(/** @type {Holder} */ holder, /** @type {number} */ lockAgeMs) {
  if (holder.host !== hostname()) return lockAgeMs < FOREIGN_LOCK_MS;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
  // A process id is used again in time: the start time tells the holder from its successor.
  return holder.startedAt === undefined || startOf(holder.pid) === holder.startedAt;
}

/** @returns {string | undefined} clock ticks since boot at which the process started, where /proc tells; undefined for a zombie too */
function startOf(/** @type {number} */ pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
