import type { BenchReport, Sample } from "../src/bench/bench-report.ts";

/** One run of two epochs of two steps each, 8 images a step. */
export function sampleOf(subject: string, round: number, stepMs: number, change: Partial<Sample> = {}): Sample {
  const steps = [1, 1, 2, 2].map((epoch, index) => ({ epoch, images: 8, ms: index === 0 ? 10 * stepMs : stepMs }));
  return {
    subject,
    depth: "100",
    batchSize: 8,
    round,
    othersBusy: 0,
    epochs: [
      { epoch: 1, images: 16, trainMs: 11 * stepMs, phaseMs: {} },
      { epoch: 2, images: 16, trainMs: 2 * stepMs, phaseMs: {} },
    ],
    steps,
    cache: null,
    peakRssBytes: 500e6,
    peakTensors: 0,
    wallMs: 1000,
    ...change,
  };
}

/** A recording of subjects by the step times of their runs. */
export function recordingOf(stepMs: Readonly<Record<string, readonly number[]>>): BenchReport {
  return {
    version: 1,
    kind: "bench",
    name: "small",
    thawVersion: "0.1.0",
    startedAt: "2026-11-24T12:00:00.000Z",
    wallMs: 1000,
    complete: true,
    machine: { processor: "P", cores: 2, memoryBytes: 8e9, os: "Linux 6", arch: "x64", node: "20.20.0" },
    images: 16,
    epochs: 2,
    rounds: 5,
    roofs: [],
    subjects: Object.keys(stepMs).map((name) => ({
      name,
      runner: name.startsWith("keras-") ? "keras" : name,
      settings: { threads: 2 },
      cache: "none",
      role: name.startsWith("keras-") ? "reference" : "runner",
      engine: "E 1",
      device: "P",
      onProcessor: true,
    })),
    workloads: [{ depth: "100", batchSize: 8, hash: "h", stepMacs: 1e9, prefixMacs: 4e8, stepBytes: 1e8 }],
    samples: Object.entries(stepMs).flatMap(([name, times]) => times.map((ms, index) => sampleOf(name, index + 1, ms))),
    failures: [],
  };
}
