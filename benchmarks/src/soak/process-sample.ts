import { readdirSync, readFileSync } from "node:fs";
import { descendantsOf } from "@thaw/runner-kit";
import { roleOf } from "../process-roles.ts";

/** What the processes of one role have at one moment, in all. */
export interface RoleSample {
  readonly role: string;
  readonly processes: number;
  /** Memory of their own, and their part of what they share. */
  readonly pssBytes: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** @returns null where the process is gone */
function measured(pid: number): Omit<RoleSample, "role" | "processes"> | null {
  try {
    const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
    return {
      pssBytes: Number(pss?.[1]) * 1024,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      threads: readdirSync(`/proc/${pid}/task`).length,
    };
  } catch {
    return null;
  }
}

/**
 * Looks at a command and at all below it. Linux alone.
 * @param pid of the command
 */
export function sampleProcesses(pid: number): RoleSample[] {
  const found = [
    { pid, role: "the command" },
    ...descendantsOf(pid).map((entry) => ({ pid: entry.pid, role: roleOf(entry) })),
  ];
  const byRole = new Map<string, RoleSample>();
  for (const entry of found) {
    const now = measured(entry.pid);
    if (now === null) continue;
    const sum = byRole.get(entry.role) ?? { role: entry.role, processes: 0, pssBytes: 0, descriptors: 0, threads: 0 };
    byRole.set(entry.role, {
      role: entry.role,
      processes: sum.processes + 1,
      pssBytes: sum.pssBytes + now.pssBytes,
      descriptors: sum.descriptors + now.descriptors,
      threads: sum.threads + now.threads,
    });
  }
  return [...byRole.values()];
}
