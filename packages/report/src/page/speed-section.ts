import { deviceLabel } from "@thaw/core";
import { allRows, depthOf, type RowGroup } from "../rows/report-rows.ts";
import { paceOf } from "../rows/score.ts";
import { type Column, dataTable } from "./data-table.ts";
import { count, speedText } from "./figures.ts";
import { html, type Markup, nameText } from "./markup.ts";
import { plotMarkup, SERIES, SHAPES } from "./plot.ts";
import type { SpeedPoint, SpeedRecording, SpeedRoof } from "./speed.ts";

const COLUMNS: readonly Column<SpeedPoint>[] = [
  { name: "frozen_layers", of: ({ depth }) => depth },
  { name: "subject", of: ({ subject }) => subject },
  { name: "device", of: ({ device }) => device },
  { name: "batch", of: ({ batchSize }) => batchSize },
  { name: "images_per_second", of: ({ imagesPerSecond }) => imagesPerSecond.median, digits: 3 },
  { name: "lowest", of: ({ imagesPerSecond }) => imagesPerSecond.low, digits: 3 },
  { name: "highest", of: ({ imagesPerSecond }) => imagesPerSecond.high, digits: 3 },
  { name: "samples", of: ({ samples }) => samples },
  { name: "of_matmul_roof", of: ({ ofRoofs }) => ofRoofs?.matmul ?? null, digits: 2 },
  { name: "of_copy_roof", of: ({ ofRoofs }) => ofRoofs?.copy ?? null, digits: 2 },
];

const ROOF = {
  field: "roof",
  type: "nominal",
  scale: {
    domain: ["matrix product", "memory copy"],
    range: [
      [1, 0],
      [4, 3],
    ],
  },
  title: "roof, if every layer were computed:",
  legend: {
    orient: "bottom",
    titleOrient: "left",
    titleLimit: 320,
    symbolType: "stroke",
    symbolStrokeColor: "var(--soft)",
    symbolSize: 200,
    direction: "horizontal",
  },
} as const;

function placeOf({ depth, batchSize }: { readonly depth: string; readonly batchSize: number }): string {
  const byCount = depth === "0" ? "nothing frozen" : `first ${depth} layers frozen`;
  const frozen = /^\d+$/.test(depth) ? byCount : depth === "rules" ? "frozen by rules" : `frozen up to ${depth}`;
  return nameText(`${frozen}, batch ${batchSize}`);
}

/** Round numbers for a logarithmic axis: powers of ten, and 2 and 5 between them where there is room. */
function roundValues(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const steps = decades > 3 ? [1] : [1, 2, 5];
  return Array.from({ length: 24 }, (_, index) => 10 ** (index - 12))
    .flatMap((power) => steps.map((step) => step * power))
    .filter((value) => value >= low && value <= high);
}

const WIDTH = 520;
/** Room for the numbers right of a panel. */
const NUMBERS = 52;

/** A dot a subject, a panel a depth, all on one logarithmic scale; the machine's roofs as lines. */
async function speedPlot(points: readonly SpeedPoint[], roofs: readonly SpeedRoof[], text: string): Promise<Markup> {
  const devices = new Set(points.map(({ device }) => device));
  const name = ({ subject, device }: SpeedPoint): string =>
    nameText(devices.size === 1 ? subject : `${subject}, ${device}`);
  const subjects = [...new Set(points.map(name))];
  const places = [...new Set(points.map(placeOf))];
  const dots = points.map((point) => ({
    place: placeOf(point),
    subject: name(point),
    median: point.imagesPerSecond.median,
    low: point.imagesPerSecond.low,
    high: point.imagesPerSecond.high,
    label: speedText(point.imagesPerSecond.median),
  }));
  const lines = roofs
    .filter((roof) => places.includes(placeOf(roof)))
    .flatMap((roof) => [
      { place: placeOf(roof), median: roof.matmul, roof: "matrix product" },
      { place: placeOf(roof), median: roof.copy, roof: "memory copy" },
    ]);
  const speeds = [...dots.flatMap(({ low, high }) => [low, high]), ...lines.map(({ median }) => median)];
  const domain = [Math.min(...speeds) / 1.25, Math.max(...speeds) * 1.25];
  const scale = { type: "log", domain, nice: false } as const;
  const values = roundValues(domain[0] ?? 1, domain[1] ?? 1);
  const ofSubject = { field: "subject", type: "nominal", legend: null } as const;
  const color = { ...ofSubject, scale: { domain: subjects, range: [...SERIES] } };
  const shape = { ...ofSubject, scale: { domain: subjects, range: [...SHAPES] } };
  const panel = (place: string, isLast: boolean) => {
    const shown = { data: { values: dots.filter((dot) => dot.place === place) } };
    const roofLines = lines.filter((line) => line.place === place);
    const axis = isLast
      ? { title: "training images a second, logarithmic", values, format: "~s" }
      : { title: null, values, labels: false, ticks: false, domain: false };
    const x = { field: "median", type: "quantitative", scale, axis } as const;
    const y = {
      field: "subject",
      type: "nominal",
      sort: subjects,
      axis: { title: null, labelLimit: 260, ticks: false, domain: false, labelColor: "var(--ink)" },
    } as const;
    return {
      title: { text: place, anchor: "start", frame: "group", fontSize: 11, color: "var(--ink)", offset: 4 } as const,
      width: WIDTH,
      height: { step: 19 },
      layer: [
        {
          data: { values: roofLines },
          mark: { type: "rule", strokeWidth: 1.5 } as const,
          encoding: {
            x,
            stroke: { value: "var(--soft)" },
            strokeDash: { ...ROOF, legend: roofLines.length > 0 && isLast ? ROOF.legend : null },
          } as const,
        },
        {
          ...shown,
          mark: { type: "rule", strokeWidth: 1.5, opacity: 0.55 } as const,
          encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, color } as const,
        },
        {
          ...shown,
          mark: { type: "point", filled: true, size: 60, opacity: 1 } as const,
          encoding: { x, y, color, shape } as const,
        },
        {
          ...shown,
          mark: { type: "text", align: "right", fontSize: 11 } as const,
          encoding: { x: { value: WIDTH + NUMBERS }, y, text: { field: "label", type: "nominal" } } as const,
        },
      ],
    };
  };
  return plotMarkup(
    {
      spacing: 8,
      resolve: { scale: { strokeDash: "independent" }, legend: { strokeDash: "independent" } },
      vconcat: places.map((place, index) => panel(place, index === places.length - 1)),
    },
    text,
  );
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2;
}

/** What the results themselves say of speed: runs that shared the machine with whatever else it did. */
export function ownSpeeds(groups: readonly RowGroup[]): readonly SpeedPoint[] {
  const found = new Map<string, { point: Omit<SpeedPoint, "imagesPerSecond" | "samples">; speeds: number[] }>();
  for (const row of allRows(groups)) {
    const { imagesPerSecond } = paceOf(row);
    const [{ environment, spec }] = row.runs;
    if (imagesPerSecond === null) continue;
    const point = {
      subject: row.runner,
      device: deviceLabel(environment),
      depth: depthOf(row),
      batchSize: spec.batchSize,
      ofRoofs: null,
    };
    const key = JSON.stringify([point.subject, point.device, point.depth, point.batchSize]);
    const entry = found.get(key) ?? { point, speeds: [] };
    entry.speeds.push(...row.runs.flatMap(({ timing }) => timing.imagesPerSecond ?? []));
    found.set(key, entry);
  }
  return [...found.values()].map(({ point, speeds }) => ({
    ...point,
    imagesPerSecond: { median: middle(speeds), low: Math.min(...speeds), high: Math.max(...speeds) },
    samples: speeds.length,
  }));
}

function plotText(title: string, points: readonly SpeedPoint[]): string {
  const words = points.map(
    (point) => `${placeOf(point)}: ${point.subject} ${speedText(point.imagesPerSecond.median)} images a second`,
  );
  return `${title}. ${words.join("; ")}.`;
}

async function recordingMarkup({ title, points, roofs, notes }: SpeedRecording): Promise<Markup> {
  const beyond =
    roofs.length === 0
      ? null
      : html`<p>The roofs are what this machine's matrix product and memory copy would allow if every layer were computed in every step. A dot beyond them keeps the outputs of frozen layers and does not compute them again.</p>`;
  return html`<h3>${title}</h3>${beyond}<figure>${await speedPlot(points, roofs, plotText(title, points))}${dataTable(title, "bench.csv", COLUMNS, points)}</figure>${notes.map((note) => html`<p class="soft">${note}</p>`)}`;
}

/** Throughput by runner and depth: from a recording of `thaw bench`, and from the results' own steps. */
export async function speedSection(
  groups: readonly RowGroup[],
  recording: SpeedRecording | null,
): Promise<Markup | null> {
  const own = ownSpeeds(groups);
  if (own.length === 0 && recording === null) return null;
  const runs = own.reduce((sum, { samples }) => sum + samples, 0);
  const title = `From these results: ${count(runs, "run")}, median step after the first`;
  const ownPart =
    own.length === 0
      ? null
      : html`<h3>${title}</h3><p>Runs of a sweep share the machine with whatever else it does: a claim about speed needs <code>thaw bench</code>. Where the outputs of frozen layers are kept, later epochs do not compute them.</p><figure>${await speedPlot(own, [], plotText(title, own))}${dataTable(title, "speed.csv", COLUMNS, own)}</figure>`;
  return html`<section id="speed" aria-labelledby="speed-h"><h2 id="speed-h">Speed</h2>${recording === null ? null : await recordingMarkup(recording)}${ownPart}</section>`;
}
