import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ThawError } from "@thaw/core";
import { type LockAttempt, takeLock } from "@thaw/runner-kit";

/** Removes what a process that was killed left half-written of a cell, for whoever has its lock. */
export async function clearParts(outDir: string, cell: string): Promise<void> {
  const isPart = (name: string): boolean =>
    name.startsWith(`${cell}.`) && name.endsWith(".part") && !/^r\d+\./.test(name.slice(cell.length + 1)); // a repeat has its own
  const parts = (await readdir(outDir)).filter(isPart);
  for (const name of parts) await rm(join(outDir, name), { force: true });
}

/**
 * Makes a cell of a results folder this process's own until it is released: two that run it at once would write one
 * checkpoint, and one log.
 * @throws ThawError `cell-locked` where somebody else runs it, `result-unwritable`
 */
export async function lockCell(outDir: string, cell: string): Promise<{ readonly release: () => void }> {
  const file = join(outDir, `${cell}.lock`);
  let lock: LockAttempt;
  try {
    lock = await takeLock(file);
  } catch (cause) {
    throw new ThawError("result-unwritable", `${file} cannot be written: ${(cause as Error).message}.`, {
      hint: "Check the folder's rights and the free space, or choose another with --out.",
      cause,
    });
  }
  if (lock.held) return lock;
  const { pid, user, host, since } = lock.owner;
  throw new ThawError(
    "cell-locked",
    `${cell} is being run by process ${pid} of ${user} on ${host}, since ${since}: ${file}.`,
    {
      hint: "Wait until it is done: the same command then takes its result. Or choose another folder with --out.",
    },
  );
}
