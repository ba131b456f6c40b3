import { readdirSync, readFileSync } from "node:fs";

/** One process as /proc shows it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly rssBytes: number;
  /** Command line, arguments separated by spaces. */
  readonly command: string;
}

const PAGE_BYTES = 4096;

function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined; // dead, only not yet waited for
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, parent: Number(fields[1]), rssBytes: Number(fields[21]) * PAGE_BYTES, command };
  } catch {
    return undefined;
  }
}

/** Whether a process that was seen before is still there, and not another one of its number. */
export function isAlive({ pid, command }: ProcessInfo): boolean {
  return readProcess(pid)?.command === command;
}

/** Every process that descends from one, itself left out; empty where there is no /proc (not Linux). */
export function descendantsOf(pid: number): ProcessInfo[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  const all = names.flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []));
  const found: ProcessInfo[] = [];
  let parents = new Set([pid]);
  while (parents.size > 0) {
    const children = all.filter((entry) => parents.has(entry.parent));
    found.push(...children);
    parents = new Set(children.map((entry) => entry.pid));
  }
  return found;
}

/** Resident bytes of this process's browsers, or null where they cannot be seen. */
export function browserRssBytes(executable: string): number | null {
  const name = executable.slice(executable.lastIndexOf("/") + 1);
  const browsers = descendantsOf(process.pid).filter(({ command }) => command.includes(name));
  return browsers.length === 0 ? null : browsers.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
}
