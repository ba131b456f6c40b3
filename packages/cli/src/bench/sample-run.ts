import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { PreparedPlan } from "@thaw/assets";
import { type Runner, ThawError } from "@thaw/core";
import type { Sample } from "./bench-report.ts";
import { cacheState, keptBy } from "./cache-state.ts";
import type { Subject } from "./subject.ts";

/** A subject that can run here. */
export interface PresentSubject {
  readonly subject: Subject;
  readonly runner: Runner;
}

/** How long the machine is watched before a sample. */
const IDLE_MS = 250;
const KNOWN_MS: readonly string[] = ["trainMs", "evaluateMs"];

/** Share of the processors' time that others take while this process waits, 0 … 1. */
async function othersBusy(): Promise<number> {
  const total = (): { busy: number; all: number } =>
    cpus().reduce(
      (sum, { times: { user, nice, sys, irq, idle } }) => {
        const busy = user + nice + sys + irq;
        return { busy: sum.busy + busy, all: sum.all + busy + idle };
      },
      { busy: 0, all: 0 },
    );
  const before = total();
  await delay(IDLE_MS);
  const after = total();
  const all = after.all - before.all;
  return all > 0 ? Math.round(((after.busy - before.busy) / all) * 100) / 100 : 0;
}

/** Whatever an epoch's record says in milliseconds beside training and evaluation as a whole, also in its parts. */
function phaseMs(record: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]): [string, number][] => {
      if (typeof value === "object" && value !== null) return Object.entries(phaseMs(value));
      return key.endsWith("Ms") && !KNOWN_MS.includes(key) && typeof value === "number" ? [[key, value]] : [];
    }),
  );
}

/**
 * Takes one sample: one real run, from a fresh start to its end.
 * @throws ThawError what the runner throws
 */
export async function takeSample(
  { subject, runner }: PresentSubject,
  { plan, storeDir }: PreparedPlan,
  place: Pick<Sample, "depth" | "batchSize" | "round">,
  signal: AbortSignal,
): Promise<Sample> {
  const busy = await othersBusy();
  const startedMs = performance.now();
  const steps: Sample["steps"] = [];
  const epochs: Sample["epochs"] = [];
  let cache: Sample["cache"] = null;
  let memory: Pick<Sample, "peakRssBytes" | "peakTensors"> | undefined;
  try {
    const options = { storeDir, settings: subject.settings, signal, ...cacheState(subject.cache) };
    for await (const event of runner.run(plan, options)) {
      if (event.type === "step") steps.push({ epoch: event.epoch, images: event.images, ms: event.ms });
      if (event.type === "epoch") {
        const { epoch, trainMs, dispatchesAStep } = event;
        const dispatches = dispatchesAStep === undefined ? {} : { dispatchesAStep };
        epochs.push({ epoch, images: plan.splits.train.length, trainMs, phaseMs: phaseMs(event), ...dispatches });
      }
      if (event.type === "cache") cache = keptBy(subject, plan, event);
      if (event.type === "end") {
        const { peakRssBytes, peakTensors } = event.outcome.memory;
        memory = { peakRssBytes, peakTensors };
      }
    }
  } finally {
    await runner.close?.(); // what a runner keeps from run to run would make the next sample another one
  }
  if (memory === undefined) {
    throw new ThawError("runner-crashed", `Runner "${runner.name}" ended without a result.`);
  }
  const wallMs = Math.round(performance.now() - startedMs);
  return { subject: subject.name, ...place, othersBusy: busy, epochs, steps, cache, ...memory, wallMs };
}
