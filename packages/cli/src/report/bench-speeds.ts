import type { SpeedPoint, SpeedRecording, SpeedRoof } from "@thaw/report";
import type { BenchReport, MeasuredSubject, Workload } from "../bench/bench-report.ts";
import { MEASURES, valuesOf } from "../bench/measures.ts";
import { highest, roofShares } from "../bench/roofs.ts";
import { spreadOf } from "../bench/statistics.ts";

function pointOf(report: BenchReport, subject: MeasuredSubject, workload: Workload): readonly SpeedPoint[] {
  const { depth, batchSize } = workload;
  const samples = report.samples.filter(
    (sample) => sample.subject === subject.name && sample.depth === depth && sample.batchSize === batchSize,
  );
  const measure = MEASURES.find(({ name }) => name === (report.epochs > 1 ? "laterEpochs" : "firstEpoch"));
  const spread = measure === undefined ? null : spreadOf(valuesOf(measure, samples));
  if (spread === null) return [];
  const { median, min, max, count } = spread;
  return [
    {
      subject: subject.name,
      device: subject.device ?? "",
      depth,
      batchSize,
      imagesPerSecond: { median, low: min, high: max },
      samples: count,
      ofRoofs: roofShares(report.roofs, subject, workload, samples[0]?.cache ?? null, median),
    },
  ];
}

function roofsOf({ roofs, workloads }: BenchReport): readonly SpeedRoof[] {
  const roof = highest(roofs);
  if (roof === null) return [];
  return workloads.map(({ depth, batchSize, stepMacs, stepBytes }) => ({
    depth,
    batchSize,
    matmul: (roof.gigaflops * 1e9) / (2 * stepMacs),
    copy: (roof.gigabytesPerSecond * 1e9) / stepBytes,
  }));
}

/** A recording of `thaw bench` as a report shows it: images a second of the epochs after the first. */
export function benchSpeeds(report: BenchReport): SpeedRecording {
  const { machine, images, epochs, rounds, startedAt, subjects, failures, complete } = report;
  const present = subjects.filter(({ missing }) => missing === undefined);
  return {
    title: `thaw bench, ${startedAt.slice(0, 10)}: ${machine.processor}, ${machine.cores} cores; ${epochs > 1 ? "epochs after the first" : "one epoch"} of ${images} images, median of ${rounds} interleaved rounds`,
    points: report.workloads.flatMap((workload) => present.flatMap((subject) => pointOf(report, subject, workload))),
    roofs: roofsOf(report),
    notes: [
      ...subjects.flatMap(({ name, missing }) =>
        missing === undefined ? [] : [`${name} is missing: ${missing.reason}`],
      ),
      ...failures.map(
        ({ subject, depth, round, code, message }) =>
          `${subject} failed at depth ${depth}, round ${round} (${code}): ${message}`,
      ),
      ...(complete ? [] : ["The recording was interrupted: not every sample is there."]),
    ],
  };
}
