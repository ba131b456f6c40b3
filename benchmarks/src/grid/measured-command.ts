import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));
const POLL_MS = 50;

/** What a command took. */
export interface MeasuredCommand {
  readonly command: string;
  readonly seconds: number;
  /** Processor time, its own and the system's. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  readonly exitCode: number | null;
  readonly output: string;
}

async function statusOf(pid: number): Promise<{ readonly rss: number; readonly cpu: number } | null> {
  try {
    const [status, stat] = await Promise.all([
      readFile(`/proc/${pid}/status`, "utf8"),
      readFile(`/proc/${pid}/stat`, "utf8"),
    ]);
    const [user, system] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13);
    return {
      rss: Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024,
      cpu: (Number(user) + Number(system)) / 100, // Linux counts hundredths on every machine that Node runs on
    };
  } catch {
    return null; // it has ended
  }
}

/** Runs `thaw` and watches it, on Linux. */
export async function measuredThaw(args: readonly string[], shown: string): Promise<MeasuredCommand> {
  const started = performance.now();
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions=source", MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
    });
  }
  let peakRssBytes = 0;
  let cpuSeconds = 0;
  const timer = setInterval(async () => {
    const status = await statusOf(child.pid ?? 0);
    if (status === null) return;
    peakRssBytes = Math.max(peakRssBytes, status.rss);
    cpuSeconds = Math.max(cpuSeconds, status.cpu);
  }, POLL_MS);
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(timer);
  return { command: shown, seconds: (performance.now() - started) / 1000, cpuSeconds, peakRssBytes, exitCode, output };
}
