import { spawn } from "node:child_process";
import { ThawError } from "@thaw/core";
import { type MeasuredSubject, type Roofs, roofsSchema, type Sample, type Workload } from "./bench-report.ts";

/** What a subject reaches of the machine's two roofs, 0 … 1. */
export interface RoofShares {
  readonly matmul: number;
  readonly copy: number;
}

const STDERR_TAIL = 2000;
const HINT = "It prints one line of JSON: engine, matmul and copy; see docs/benchmarking.md.";

function lastLine(text: string): unknown {
  try {
    return JSON.parse(text.trim().split("\n").at(-1) ?? "");
  } catch {
    return undefined; // told by the schema
  }
}

/**
 * Runs the program that measures the roofs.
 * @throws ThawError `roofs-invalid` where it fails or prints something else
 */
export async function measureRoofs(command: string, signal: AbortSignal): Promise<Roofs> {
  const child = spawn(command, { shell: true, stdio: ["ignore", "pipe", "pipe"], signal });
  let printed = "";
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL);
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) => {
      const cancelled = signal.aborted;
      const what = cancelled ? "The benchmark was cancelled." : `--roofs: ${cause.message}.`;
      reject(new ThawError(cancelled ? "cancelled" : "roofs-invalid", what, { hint: HINT, cause }));
    });
    child.once("close", resolve);
  });
  const parsed = roofsSchema.safeParse(lastLine(printed));
  if (code === 0 && parsed.success) return parsed.data;
  const what = code === 0 ? "printed no roofs" : `ended with exit code ${code}`;
  throw new ThawError("roofs-invalid", `--roofs: "${command}" ${what}.`, { hint: HINT, details: { stderr } });
}

/** The highest that was ever reached: a roof is what the machine can do, not what it does on average. */
export function highest(measured: readonly Roofs[]): { gigaflops: number; gigabytesPerSecond: number } | null {
  if (measured.length === 0) return null;
  return {
    gigaflops: Math.max(...measured.flatMap(({ matmul }) => matmul.gigaflops)),
    gigabytesPerSecond: Math.max(...measured.flatMap(({ copy }) => copy.gigabytesPerSecond)),
  };
}

/**
 * How near a subject comes to the roofs, from the work of the layer table: two operations a multiply-accumulate.
 * What a full cache spares is not counted as done.
 * @param imagesPerSecond of the epochs after the first
 */
export function roofShares(
  measured: readonly Roofs[],
  { onProcessor }: Pick<MeasuredSubject, "onProcessor">,
  { stepMacs, stepBytes }: Workload,
  cache: Sample["cache"],
  imagesPerSecond: number,
): RoofShares | null {
  const roof = highest(measured);
  if (roof === null || !onProcessor) return null;
  const { savedMacs, savedBytes } = cache ?? { savedMacs: 0, savedBytes: 0 };
  return {
    matmul: (2 * (stepMacs - savedMacs) * imagesPerSecond) / (roof.gigaflops * 1e9),
    copy: ((stepBytes - savedBytes) * imagesPerSecond) / (roof.gigabytesPerSecond * 1e9),
  };
}
