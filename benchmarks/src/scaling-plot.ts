import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** One measured point of one axis. */
export interface ScalingRow {
  readonly axis: string;
  readonly value: number;
  /** Training time of the epoch in seconds; absent where it was not reached. */
  readonly epoch1: number | undefined;
  readonly epoch2: number | undefined;
  /** Peak memory in MB; absent where the runner does not tell. */
  readonly rss: number | undefined;
}

const TITLES: Readonly<Record<string, string>> = {
  images: "images",
  batch: "batch",
  size: "image size, px",
  depth: "frozen layers",
};

/** Time above, memory below, one column an axis. Both start at 0: a line through the origin is a cost that grows linearly. */
function chartOf(rows: readonly ScalingRow[]): TopLevelSpec {
  const axes = Object.keys(TITLES).filter((axis) => rows.some((row) => row.axis === axis));
  const seconds = rows.flatMap(({ axis, value, epoch1, epoch2 }) => [
    { axis, value, epoch: "first", seconds: epoch1 },
    { axis, value, epoch: "second", seconds: epoch2 },
  ]);
  const x = (axis: string) =>
    ({ field: "value", type: "quantitative", title: TITLES[axis] ?? axis, scale: { zero: true } }) as const;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    background: "white",
    hconcat: axes.map((axis) => ({
      vconcat: [
        {
          width: 200,
          height: 160,
          data: { values: seconds.filter((row) => row.axis === axis && row.seconds !== undefined) },
          mark: { type: "line", point: true },
          encoding: {
            x: x(axis),
            y: { field: "seconds", type: "quantitative", title: "s an epoch" },
            color: { field: "epoch", type: "nominal", title: "epoch" },
          },
        },
        {
          width: 200,
          height: 100,
          data: { values: rows.filter((row) => row.axis === axis && row.rss !== undefined) },
          mark: { type: "line", point: true },
          encoding: { x: x(axis), y: { field: "rss", type: "quantitative", title: "peak RSS, MB" } },
        },
      ],
    })),
  };
}

/** Draws the table of `npm run scaling` as SVG. */
export async function scalingPlot(rows: readonly ScalingRow[]): Promise<string> {
  const view = new View(parse(compile(chartOf(rows)).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
