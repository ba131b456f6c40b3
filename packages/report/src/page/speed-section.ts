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

function placeOf({ depth, batchSize }: { readonly depth: string; readonly batchSize: number }): string {
  const frozen = depth === "0" ? "nothing frozen" : /^\d+$/.test(depth) ? `first ${depth} frozen` : depth;
  return nameText(`${frozen}, batch ${batchSize}`);
}

/** A dot a subject, a panel a depth, all on one logarithmic scale; the machine's roofs as ticks. */
async function speedPlot(points: readonly SpeedPoint[], roofs: readonly SpeedRoof[], text: string): Promise<Markup> {
  const name = ({ subject, device }: SpeedPoint): string => nameText(`${subject} · ${device}`);
  const subjects = [...new Set(points.map(name))];
  const places = [...new Set(points.map(placeOf))];
  const shown = points.map((point) => ({
    place: placeOf(point),
    subject: name(point),
    median: point.imagesPerSecond.median,
    low: point.imagesPerSecond.low,
    high: point.imagesPerSecond.high,
    label: speedText(point.imagesPerSecond.median),
  }));
  const ceilings = roofs
    .filter((roof) => places.includes(placeOf(roof)))
    .flatMap((roof) => [
      { place: placeOf(roof), median: roof.matmul, roof: "matmul roof" },
      { place: placeOf(roof), median: roof.copy, roof: "copy roof" },
    ]);
  const speeds = [...shown.flatMap(({ low, high }) => [low, high]), ...ceilings.map(({ median }) => median)];
  const domain = [Math.min(...speeds) / 1.3, Math.max(...speeds) * 1.6];
  const x = {
    field: "median",
    type: "quantitative",
    scale: { type: "log", domain, nice: false },
    axis: { title: "training images a second, logarithmic", format: "~s", tickCount: 6 },
  } as const;
  const y = {
    field: "subject",
    type: "nominal",
    sort: subjects,
    axis: { title: null, labelLimit: 260, ticks: false },
  } as const;
  const color = {
    field: "subject",
    type: "nominal",
    scale: { domain: subjects, range: [...SERIES] },
    legend: null,
  } as const;
  const shape = {
    field: "subject",
    type: "nominal",
    scale: { domain: subjects, range: [...SHAPES] },
    legend: null,
  } as const;
  return plotMarkup(
    {
      data: { values: [...shown, ...ceilings] },
      facet: {
        row: {
          field: "place",
          type: "nominal",
          sort: places,
          title: null,
          header: { labelAngle: 0, labelAlign: "left", labelOrient: "top", labelAnchor: "start" },
        },
      },
      spacing: 12,
      spec: {
        width: 470,
        height: { step: 19 },
        layer: [
          {
            transform: [{ filter: "isValid(datum.roof)" }],
            mark: { type: "rule", strokeWidth: 1.5 },
            encoding: {
              x,
              stroke: { value: "var(--soft)" },
              strokeDash: {
                field: "roof",
                type: "nominal",
                scale: {
                  domain: ["matmul roof", "copy roof"],
                  range: [
                    [1, 0],
                    [4, 3],
                  ],
                },
                title: "if every layer were computed",
                legend:
                  ceilings.length === 0
                    ? null
                    : {
                        orient: "bottom",
                        symbolType: "stroke",
                        symbolStrokeColor: "var(--soft)",
                        direction: "horizontal",
                      },
              },
            },
          },
          {
            transform: [{ filter: "!isValid(datum.roof)" }],
            mark: { type: "rule", strokeWidth: 1.5, opacity: 0.5 },
            encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, color },
          },
          {
            transform: [{ filter: "!isValid(datum.roof)" }],
            mark: { type: "point", filled: true, size: 60, opacity: 1 },
            encoding: { x, y, color, shape },
          },
          {
            transform: [{ filter: "!isValid(datum.roof)" }],
            mark: { type: "text", align: "left", dx: 9, fontSize: 10.5 },
            encoding: { x: { ...x, field: "high" }, y, text: { field: "label", type: "nominal" } },
          },
        ],
      },
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
