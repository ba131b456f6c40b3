import { median } from "@thaw/core";
import type { Sample } from "./bench-report.ts";

/** Something that one run tells as one number. */
export interface Measure {
  readonly name:
    | "firstStepMs"
    | "firstEpoch"
    | "laterEpochs"
    | "stepMs"
    | "peakRssBytes"
    | "peakTensors"
    | "dispatches";
  readonly label: string;
  readonly better: "more" | "less";
  /** Whether subjects and recordings are compared by it. */
  readonly compared: boolean;
  /** Of one run; null where it does not tell. */
  of(sample: Sample): number | null;
}

function rate(images: number, ms: number): number | null {
  return images > 0 && ms > 0 ? (images / ms) * 1000 : null;
}

function laterEpochs({ epochs }: Sample): number | null {
  const later = epochs.filter(({ epoch }) => epoch > 1);
  const sum = (key: "images" | "trainMs"): number => later.reduce((total, epoch) => total + epoch[key], 0);
  return rate(sum("images"), sum("trainMs"));
}

/** Without the first step, which compiles; it has a number of its own. */
function firstEpoch({ epochs, steps }: Sample): number | null {
  const [first] = epochs;
  if (first === undefined) return null;
  const [step = { images: 0, ms: 0 }] = steps;
  return rate(first.images - step.images, first.trainMs - step.ms);
}

/** Full batches of the epochs from the second on; of a run of one epoch, all but its first step. */
function steadySteps({ epochs, steps }: Sample): readonly number[] {
  const full = Math.max(...steps.map(({ images }) => images));
  const one = epochs.length === 1;
  return steps
    .filter(({ images, epoch }, index) => images === full && (one ? index > 0 : epoch > 1))
    .map(({ ms }) => ms);
}

/** Everything that is measured, in the order of the table. */
export const MEASURES: readonly Measure[] = [
  {
    name: "firstStepMs",
    label: "first step, ms",
    better: "less",
    compared: false,
    of: ({ steps }) => steps[0]?.ms ?? null,
  },
  { name: "firstEpoch", label: "img/s, epoch 1", better: "more", compared: true, of: firstEpoch },
  { name: "laterEpochs", label: "img/s, later epochs", better: "more", compared: true, of: laterEpochs },
  {
    name: "stepMs",
    label: "step, ms",
    better: "less",
    compared: false,
    of: (sample) => median(steadySteps(sample)),
  },
  {
    name: "peakRssBytes",
    label: "peak RSS, MB",
    better: "less",
    compared: true,
    of: ({ peakRssBytes }) => peakRssBytes,
  },
  {
    name: "peakTensors",
    label: "peak tensors",
    better: "less",
    compared: false,
    of: ({ peakTensors }) => (peakTensors > 0 ? peakTensors : null), // a runner that does not count says 0
  },
  {
    name: "dispatches",
    label: "dispatches a step",
    better: "less",
    compared: false,
    of: ({ epochs }) => epochs.at(-1)?.dispatchesAStep ?? null,
  },
];

/** One number a run, of the runs that tell. */
export function valuesOf(measure: Measure, samples: readonly Sample[]): number[] {
  return samples.map((sample) => measure.of(sample)).filter((value) => value !== null);
}

/** Milliseconds an epoch that runs tell beside training itself, by name: medians over all epochs but the first. */
export function phaseMedians(samples: readonly Sample[]): ReadonlyMap<string, number> {
  const found = new Map<string, number[]>();
  for (const { epochs } of samples) {
    for (const { epoch, phaseMs } of epochs) {
      if (epoch === 1 && epochs.length > 1) continue;
      for (const [name, ms] of Object.entries(phaseMs)) found.set(name, [...(found.get(name) ?? []), ms]);
    }
  }
  return new Map([...found].map(([name, values]) => [name, median(values) ?? 0]));
}
