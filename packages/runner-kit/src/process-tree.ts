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

/**
 * What /proc says of a process after its name, which may hold anything: state, parent, …
 * @throws the file system's own error where it is gone, or there is no /proc
 */
export function statFields(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const fields = statFields(pid);
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

/** Remembers every process that it has seen below another one, also those that lose their parent. */
export interface ProcessWatch {
  /** How many there were so far. */
  seen(): number;
  /** Those of them that are still there; ends the watch. */
  left(): ProcessInfo[];
}

const WATCH_MS = 50;

/**
 * Watches the processes that descend from one.
 * @param matches which of them count
 */
export function watchDescendants(pid: number, matches: (entry: ProcessInfo) => boolean): ProcessWatch {
  const seen = new Map<number, ProcessInfo>();
  const look = (): void => {
    for (const entry of descendantsOf(pid)) if (matches(entry)) seen.set(entry.pid, entry);
  };
  look();
  const timer = setInterval(look, WATCH_MS);
  timer.unref();
  return {
    seen: () => seen.size,
    left() {
      clearInterval(timer);
      return [...seen.values()].filter(isAlive);
    },
  };
}
