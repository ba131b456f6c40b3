import { serializeError } from "@thaw/core";
import { EXIT, exitCodeOf } from "../exit-code.ts";
import type { BenchReport, Roofs, Sample, SampleFailure } from "./bench-report.ts";
import { MEASURES } from "./measures.ts";
import { type PresentSubject, takeSample } from "./sample-run.ts";
import type { PreparedWorkload } from "./workload.ts";

/** What the rounds of one `thaw bench` need. */
export interface BenchRun {
  readonly present: readonly PresentSubject[];
  readonly workloads: readonly PreparedWorkload[];
  readonly rounds: number;
  /** Measures the machine's roofs; absent where nobody can. */
  readonly roofs?: () => Promise<Roofs>;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/** What the rounds gave. */
export type RoundResults = Pick<BenchReport, "samples" | "failures" | "roofs" | "complete"> & {
  /** The exit code of the worst failure of a runner; a baseline's is only told. */
  readonly worstExit: number;
};

/** The order of a round: each round another one comes first, so that nobody always follows the same. */
export function rotated<T>(items: readonly T[], round: number): readonly T[] {
  const start = items.length === 0 ? 0 : (round - 1) % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function describe(sample: Sample): string {
  const told = MEASURES.flatMap((measure) => {
    const value = measure.of(sample);
    if (value === null || ["peakTensors", "stepMs", "dispatches"].includes(measure.name)) return [];
    const shown = measure.name === "peakRssBytes" ? value / 1e6 : value;
    return [`${measure.label} ${shown.toFixed(measure.better === "more" ? 1 : 0)}`];
  });
  const busy = sample.othersBusy >= 0.1 ? `; others kept ${Math.round(sample.othersBusy * 100)} % busy before` : "";
  return told.join("; ") + busy;
}

/**
 * Takes every sample, a round of all subjects after the other.
 * @throws ThawError bad input of a runner; a crash is recorded, and the rounds go on
 */
export async function runRounds(run: BenchRun): Promise<RoundResults> {
  const samples: Sample[] = [];
  const failures: SampleFailure[] = [];
  const roofs: Roofs[] = [];
  let worstExit: number = EXIT.fine;
  for (let round = 1; round <= run.rounds; round += 1) {
    try {
      if (run.roofs !== undefined) roofs.push(await run.roofs());
    } catch (error) {
      if (run.signal.aborted) return { samples, failures, roofs, complete: false, worstExit: EXIT.interrupted };
      if (round === 1) throw error; // nothing is lost yet
      const { code, message } = serializeError(error);
      worstExit = exitCodeOf({ code, message });
      run.note(`round ${round}/${run.rounds}, roofs: failed (${code}): ${message}`);
    }
    for (const { workload, prepared } of run.workloads) {
      const { depth, batchSize } = workload;
      for (const subject of rotated(run.present, round)) {
        const { name, role } = subject.subject;
        const title = `round ${round}/${run.rounds}, depth ${depth}, batch ${batchSize}, ${name}`;
        try {
          const sample = await takeSample(subject, prepared, { depth, batchSize, round }, run.signal);
          samples.push(sample);
          run.note(`${title}: ${describe(sample)}`);
        } catch (error) {
          const { code, message } = serializeError(error);
          const exitCode = exitCodeOf({ code, message });
          if (exitCode === EXIT.interrupted) return { samples, failures, roofs, complete: false, worstExit: exitCode };
          if (exitCode === EXIT.badInput && role === "runner") throw error;
          failures.push({ subject: name, depth, batchSize, round, code, message });
          if (role === "runner") worstExit = exitCode;
          run.note(`${title}: failed (${code}): ${message}`);
        }
      }
    }
  }
  return { samples, failures, roofs, complete: true, worstExit };
}
