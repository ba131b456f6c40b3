import { readFileSync, writeFileSync } from "node:fs";

/** Measures what is taken at most while something runs. */
export interface MemoryWatch {
  /** Bytes above what there was at the start: resident memory at its peak, or buffers that hold on to address space alone. */
  growthBytes(): number;
}

/** Resets the peak that the kernel keeps of this process. @see proc(5), clear_refs */
function resetPeak(): boolean {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
    return true;
  } catch {
    return false; // no Linux: the peak of the whole process then counts
  }
}

function peakBytes(isReset: boolean): number {
  if (!isReset) return process.resourceUsage().maxRSS * 1024;
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(line?.[1] ?? 0) * 1024;
}

export function watchMemory(): MemoryWatch {
  const isReset = resetPeak();
  const startBytes = peakBytes(isReset);
  const { external } = process.memoryUsage();
  return {
    growthBytes: () => Math.max(0, peakBytes(isReset) - startBytes, process.memoryUsage().external - external),
  };
}
