import { deviceLabel } from "@thaw/core";
import Table from "cli-table3";
import { sparkline } from "../table.ts";
import type { LayerRow, MemoryCurve, ProfileClock, ProfileReport } from "./profile-report.ts";

const CURVE_POINTS = 60;

const CLOCKS: Readonly<Record<ProfileClock, string>> = {
  exact: "by the program's clock; each kernel is done when it returns",
  submission: "SUBMISSION TIMES: the device works on its own, so these say how long handing work over took",
  device: "by the device's own clock (GPU timestamps)",
};

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[], texts: number): string {
  const colAligns = head.map((_, index) => (index < texts ? "left" : "right") as "left" | "right");
  const drawn = new Table({ head: [...head], colAligns, style: { head: [], border: [], compact: true } });
  for (const row of rows) drawn.push([...row]);
  return drawn.toString();
}

const fixed = (value: number): string => value.toFixed(2);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function layerCells(row: LayerRow): (string | number)[] {
  const { layer, together, type, trains, inPrefix, forwardMs, backwardMs, share, macs, gigaflops, evaluateMs } = row;
  return [
    together.length === 0 ? layer : `${layer} +${together.length}`,
    type,
    inPrefix ? "prefix" : trains ? "yes" : "",
    fixed(forwardMs),
    backwardMs === 0 ? "" : fixed(backwardMs),
    percent(share),
    macs === 0 ? "" : (macs / 1e6).toFixed(0),
    gigaflops === null ? "" : gigaflops.toFixed(1),
    ...(evaluateMs === null ? [] : [fixed(evaluateMs)]),
  ];
}

/** @param top layers to show, those with most of the step, in the network's order */
function layerTable(layers: readonly LayerRow[], top: number): string {
  const shown = new Set([...layers].sort((a, b) => b.share - a.share).slice(0, top));
  const rows = layers.filter((row) => shown.has(row)).map(layerCells);
  const evaluates = layers.some(({ evaluateMs }) => evaluateMs !== null);
  const rest = layers.filter((row) => !shown.has(row));
  if (rest.length > 0) {
    const total = (value: (row: LayerRow) => number): number => rest.reduce((sum, row) => sum + value(row), 0);
    const [up, down] = [total(({ forwardMs }) => forwardMs), total(({ backwardMs }) => backwardMs)];
    const share = percent(total((row) => row.share));
    const macs = (total((row) => row.macs) / 1e6).toFixed(0);
    rows.push([
      `${rest.length} others (--top)`,
      "",
      "",
      fixed(up),
      fixed(down),
      share,
      macs,
      "",
      ...(evaluates ? [""] : []),
    ]);
  }
  const head = ["layer", "type", "trains", "forward ms", "backward ms", "share", "M MACs", "GFLOP/s"];
  return table([...head, ...(evaluates ? ["evaluate ms"] : [])], rows, 3);
}

/** The most that was alive in each of equal stretches of the step. */
function curve({ points }: MemoryCurve): string {
  const length = points.at(-1)?.ms ?? 0;
  const most = new Array<number>(CURVE_POINTS).fill(Number.NaN);
  for (const { ms, bytes } of points) {
    const at = Math.min(CURVE_POINTS - 1, Math.floor((ms / length) * CURVE_POINTS));
    most[at] = Math.max(Number.isNaN(most[at]) ? 0 : (most[at] ?? 0), bytes);
  }
  let before = points[0]?.bytes ?? 0;
  const filled = most.map((bytes) => {
    if (!Number.isNaN(bytes)) before = bytes;
    return before; // a long kernel leaves stretches without a point
  });
  return sparkline(filled, CURVE_POINTS);
}

/** A profile for people. */
export function profileText(report: ProfileReport, top: number): string {
  const { environment, stepMs, images, parts, kernels, layers, memory, evaluation, clock, deviceStepMs } = report;
  const { at } = memory;
  const where = at.layer === null ? `${at.kernel} (${at.pass})` : `${at.kernel} of ${at.layer} (${at.pass})`;
  const rate = ((images / stepMs.median) * 1000).toFixed(1);
  const onDevice = deviceStepMs === null ? "" : `; ${fixed(deviceStepMs)} ms on the device`;
  const evaluated =
    evaluation === null ? "" : `\nA batch of ${evaluation.images} to evaluate: ${fixed(evaluation.ms)} ms`;
  const sections = [
    `${report.spec.name} on ${report.runner} (${environment.engine}, ${deviceLabel(environment)}): ${report.phase}, ${report.depth}, batches of ${images}`,
    `${stepMs.count} steps after ${report.warmupSteps}: median ${fixed(stepMs.median)} ms (${fixed(stepMs.min)} – ${fixed(stepMs.max)}), ${rate} img/s while profiled${onDevice}${evaluated}`,
    table(
      ["part of a step", "ms", "share"],
      parts.map(({ pass, ms, share }) => [pass, fixed(ms), percent(share)]),
      1,
    ),
    `Layers, a mean step, ${CLOCKS[clock]}`,
    layerTable(layers, top),
    "Kernels, a mean step",
    table(
      ["kernel", "calls", "ms", "share"],
      kernels.map(({ kernel, calls, ms, share }) => [kernel, Math.round(calls * 10) / 10, fixed(ms), percent(share)]),
      1,
    ),
    `Live tensors: at most ${mebibytes(memory.peakBytes)} in ${memory.peakTensors} tensors, after ${where}`,
    `${curve(memory)}  over a step`,
    ...report.suggestions.map((suggestion) => `- ${suggestion}`),
  ];
  return sections.join("\n");
}
