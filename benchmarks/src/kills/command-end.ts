import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, type ProcessInfo } from "@thaw/runner-kit";

/** What processes of a command that was killed may take to notice. */
const ORPHAN_MS = 15_000;
const SAID = 1000;
/** A command that takes longer hangs. */
const HANGING_MS = 10 * 60_000;

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  /** The last of what it said. */
  readonly said: string;
}

/** Waits for a command to end. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-SAID);
  });
  const hanging = setTimeout(() => child.kill("SIGKILL"), HANGING_MS);
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(hanging);
  return { code, said: said.trim().split("\n").slice(-3).join(" / ") };
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** Waits until none of some processes is left. @returns how many are after all that time */
export async function orphansOf(left: readonly ProcessInfo[]): Promise<number> {
  const deadline = performance.now() + ORPHAN_MS;
  let alive = left.filter(isAlive);
  while (alive.length > 0 && performance.now() < deadline) {
    await delay(50);
    alive = alive.filter(isAlive);
  }
  for (const { pid } of alive) process.kill(pid, "SIGKILL"); // told, and not left to disturb the next kill
  return alive.length;
}
