import Table from "cli-table3";
import type { BenchReport, MeasuredSubject, Sample, Workload } from "./bench-report.ts";
import { FEWEST_RUNS, gainOf } from "./comparison.ts";
import { MEASURES, type Measure, phaseMedians, valuesOf } from "./measures.ts";
import { highest, roofShares } from "./roofs.ts";
import { type RatioInterval, spreadOf } from "./statistics.ts";

/** Where others took more than this share of the processors, figures are worth little. */
const BUSY = 0.2;

function shown(measure: Measure, value: number): string {
  if (measure.name === "peakRssBytes") return (value / 1e6).toFixed(0);
  if (measure.better === "more") return value.toFixed(value < 100 ? 1 : 0);
  return value.toFixed(value < 10 ? 1 : 0);
}

function spreadText(measure: Measure, samples: readonly Sample[]): string {
  const spread = spreadOf(valuesOf(measure, samples));
  if (spread === null) return "–";
  const middle = shown(measure, spread.median);
  return spread.count === 1 ? middle : `${middle}\n${shown(measure, spread.min)} – ${shown(measure, spread.max)}`;
}

/**
 * `1.21 (1.18 – 1.25)`, and without the interval where it would say nothing.
 * @param runs of the side that has fewer
 */
export function intervalText({ ratio, low, high }: RatioInterval, runs: number): string {
  const interval = runs < FEWEST_RUNS ? "" : ` (${low.toFixed(2)} – ${high.toFixed(2)})`;
  return `${ratio.toFixed(2)}${interval}`;
}

function samplesAt(report: BenchReport, subject: string, { depth, batchSize }: Workload): readonly Sample[] {
  return report.samples.filter(
    (sample) => sample.subject === subject && sample.depth === depth && sample.batchSize === batchSize,
  );
}

/** The reference that is best in a measure at a depth. */
function bestReference(report: BenchReport, measure: Measure, workload: Workload): MeasuredSubject | undefined {
  const middle = ({ name }: MeasuredSubject): number =>
    spreadOf(valuesOf(measure, samplesAt(report, name, workload)))?.median ?? Number.NaN;
  const sign = measure.better === "more" ? -1 : 1;
  return report.subjects
    .filter((subject) => subject.role === "reference" && Number.isFinite(middle(subject)))
    .sort((a, b) => sign * (middle(a) - middle(b)))[0];
}

/** How much better than the best reference, a line a measure. */
function gainsText(report: BenchReport, { name }: MeasuredSubject, workload: Workload): string {
  return MEASURES.filter(({ compared }) => compared)
    .map((measure) => {
      const ours = valuesOf(measure, samplesAt(report, name, workload));
      const reference = bestReference(report, measure, workload);
      if (reference === undefined || ours.length === 0) return "–";
      if (reference.name === name) return "best";
      const theirs = valuesOf(measure, samplesAt(report, reference.name, workload));
      return intervalText(gainOf(measure, ours, theirs), Math.min(ours.length, theirs.length));
    })
    .join("\n");
}

function roofText(report: BenchReport, subject: MeasuredSubject, workload: Workload): string {
  const later = MEASURES.find(({ name }) => name === "laterEpochs");
  const samples = samplesAt(report, subject.name, workload);
  const speed = later === undefined ? null : spreadOf(valuesOf(later, samples));
  const cache = samples[0]?.cache ?? null;
  const shares = speed === null ? null : roofShares(report.roofs, subject, workload, cache, speed.median);
  if (shares === null) return "–";
  return `${(shares.matmul * 100).toFixed(0)} % of matmul\n${(shares.copy * 100).toFixed(0)} % of copy`;
}

/** What a run keeps of its frozen layers; null of one that keeps nothing. */
function keptText(cache: Sample["cache"]): string | null {
  if (cache === null || cache.where === "nowhere") return null;
  return `keeps ${(cache.keptBytes / 1e6).toFixed(cache.keptBytes < 1e7 ? 2 : 0)} MB\nbelow ${cache.layer}`;
}

function speedTable(report: BenchReport): string {
  const hasReference = report.subjects.some(({ role, missing }) => role === "reference" && missing === undefined);
  const hasRoofs = report.roofs.length > 0;
  // Dispatches are a GPU's.
  const told = MEASURES.filter(
    ({ name, of }) => name !== "dispatches" || report.samples.some((run) => of(run) !== null),
  );
  const head = ["depth, batch", "subject", ...told.map(({ label }) => label)];
  if (hasReference) head.push("gain over the best Keras:\nepoch 1, later, RSS");
  if (hasRoofs) head.push("of the roofs");
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const workload of report.workloads) {
    for (const subject of report.subjects.filter(({ missing }) => missing === undefined)) {
      const samples = samplesAt(report, subject.name, workload);
      const row = [
        `${workload.depth}, ${workload.batchSize}`,
        [subject.name, subject.device, keptText(samples[0]?.cache ?? null)].filter((line) => line !== null).join("\n"),
        ...told.map((measure) => spreadText(measure, samples)),
      ];
      if (hasReference) row.push(gainsText(report, subject, workload));
      if (hasRoofs) row.push(roofText(report, subject, workload));
      table.push(row);
    }
  }
  return table.toString();
}

/** Where an epoch's time goes, of the runners that tell; null where none does. */
function phaseTable(report: BenchReport): string | null {
  const rows = report.workloads.flatMap((workload) =>
    report.subjects.map(({ name }) => ({
      place: `${workload.depth}, ${workload.batchSize}`,
      name,
      phases: phaseMedians(samplesAt(report, name, workload)),
    })),
  );
  const names = [...new Set(rows.flatMap(({ phases }) => [...phases.keys()]))];
  if (names.length === 0) return null;
  const head = ["depth, batch", "subject", ...names.map((name) => `${name.replace(/Ms$/, "")}, ms an epoch`)];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { place, name, phases } of rows.filter((row) => row.phases.size > 0)) {
    table.push([place, name, ...names.map((phase) => phases.get(phase)?.toFixed(0) ?? "–")]);
  }
  return table.toString();
}

/** What the tables rest on, and what is missing from them. */
function notes(report: BenchReport): string[] {
  const { machine, images, epochs, rounds, roofs } = report;
  const lines = [
    `${machine.processor}, ${machine.cores} cores; ${images} images, ${epochs} epochs, ${rounds} interleaved rounds; median (lowest – highest run)`,
  ];
  const roof = highest(roofs);
  if (roof !== null) {
    lines.push(
      `roofs: ${roof.gigaflops.toFixed(0)} GFLOP/s (matmul of ${roofs[0]?.matmul.size}, ${roofs[0]?.engine}), ${roof.gigabytesPerSecond.toFixed(1)} GB/s (copy, read and written)`,
    );
  }
  for (const { name, missing } of report.subjects) {
    if (missing !== undefined) lines.push(`missing: ${name}: ${missing.reason} hint: ${missing.hint}`);
  }
  for (const { subject, depth, batchSize, round, code, message } of report.failures) {
    lines.push(`failed: ${subject} at depth ${depth}, batch ${batchSize}, round ${round} (${code}): ${message}`);
  }
  const busy = Math.max(0, ...report.samples.map(({ othersBusy }) => othersBusy));
  if (busy >= BUSY) {
    lines.push(
      `warning: something else took up to ${Math.round(busy * 100)} % of the processors; measure on a quiet machine`,
    );
  }
  if (!report.complete) lines.push("interrupted: not every sample is there");
  return lines;
}

/** A report as a person reads it. */
export function benchText(report: BenchReport): string {
  const phases = phaseTable(report);
  return [speedTable(report), ...(phases === null ? [] : [phases]), ...notes(report)].join("\n");
}
