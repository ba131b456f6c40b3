import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { preparePlan } from "@thaw/assets";
import { type BenchSample, MEASURES, takeSample } from "@thaw/cli/internals";
import { parseSpec, type Runner, ThawError } from "@thaw/core";
import { createRunner as createNodeRunner } from "@thaw/node-runner";
import { writeCrops } from "./crops.ts";
import { type ScalingRow, scalingPlot } from "./scaling-plot.ts";

// Time of an epoch on runner node against the number of images, batch, size and depth, one axis at a time from a base
// point: `npm run scaling -- --axis images --values 346,1000`. Points that the file has are not measured again.

const BASE: Point = { images: 346, batch: 32, size: 160, depth: 100 };
const AXES: Readonly<Record<keyof Point, readonly number[]>> = {
  images: [346, 1000, 2000, 5000, 10_000, 20_000],
  batch: [4, 8, 16, 32, 64, 128],
  size: [64, 96, 128, 160, 224],
  depth: [0, 50, 100, 154],
};
/** The second one finds the cache full. */
const EPOCHS = 2;

interface Point {
  readonly images: number;
  readonly batch: number;
  readonly size: number;
  readonly depth: number;
}

interface Measured extends Point {
  readonly sample: BenchSample;
}

interface ScalingFile {
  readonly what: string;
  readonly processor: string | undefined;
  readonly cores: number;
  readonly points: readonly Measured[];
}

const isSame = (a: Point, b: Point): boolean =>
  (Object.keys(BASE) as (keyof Point)[]).every((axis) => a[axis] === b[axis]);

/** Measures one point; its images and what is made of them are gone afterwards. */
async function measure(runner: Runner, point: Point, signal: AbortSignal): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), "thaw-scaling-"));
  try {
    const file = join(folder, "crops.safetensors");
    const classes = await writeCrops(file, point.images, point.size);
    const spec = parseSpec({
      version: 1,
      name: "scaling",
      model: { alpha: 1, imageSize: point.size, weights: "random" },
      data: { kind: "tensors", file, classes },
      split: { validation: 0, test: 0 },
      freeze: point.depth,
      optimizer: { name: "adam", learningRate: 1e-4 },
      batchSize: point.batch,
      epochs: EPOCHS,
      shuffle: false,
    });
    const env = { ...process.env, THAW_CACHE: folder };
    const prepared = await preparePlan(spec, { baseDir: folder, env });
    const subject = { name: runner.name, runner: runner.name, settings: {}, cache: "on", role: "runner" } as const;
    const place = { depth: String(point.depth), batchSize: point.batch, round: 1 };
    return { ...point, sample: await takeSample({ subject, runner }, prepared, place, signal) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The points of each axis: those that differ from the base point in nothing else. */
function rowsOf({ points }: ScalingFile): ScalingRow[] {
  const axes = Object.keys(AXES) as (keyof Point)[];
  return axes.flatMap((axis) =>
    points
      .filter((point) => axes.every((other) => other === axis || point[other] === BASE[other]))
      .sort((a, b) => a[axis] - b[axis])
      .map(({ sample, ...point }) => {
        const [epoch1, epoch2] = sample.epochs.map(({ trainMs }) => trainMs / 1000);
        const rss = sample.peakRssBytes === null ? undefined : sample.peakRssBytes / 1e6;
        return { axis, value: point[axis], epoch1, epoch2, rss };
      }),
  );
}

async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
}

function markdown({ what, processor, cores, points }: ScalingFile): string {
  const seconds = (ms: number | undefined): string => (ms === undefined ? "–" : (ms / 1000).toFixed(1));
  const told = (name: (typeof MEASURES)[number]["name"], sample: BenchSample): number | null =>
    MEASURES.find((entry) => entry.name === name)?.of(sample) ?? null;
  const rows = [...points]
    .sort((a, b) => a.depth - b.depth || a.size - b.size || a.batch - b.batch || a.images - b.images)
    .map(({ images, batch, size, depth, sample }) => {
      const { epochs, cache, peakRssBytes } = sample;
      const cells = [
        ...[images, batch, size, depth].map(String),
        seconds(epochs[0]?.trainMs),
        seconds(epochs[1]?.trainMs),
        told("firstEpoch", sample)?.toFixed(1) ?? "–",
        told("laterEpochs", sample)?.toFixed(1) ?? "–",
        cache === null || cache.where === "nowhere" ? "nothing" : `${(cache.keptBytes / 1e6).toFixed(0)} MB`,
        peakRssBytes === null ? "–" : (peakRssBytes / 1e6).toFixed(0),
      ];
      return `| ${cells.join(" | ")} |`;
    });
  const head = ["images", "batch", "px", "frozen", "epoch 1, s", "epoch 2, s", "img/s 1", "img/s 2", "kept", "RSS, MB"];
  return [
    `${what}, ${processor}, ${cores} cores`,
    "",
    `| ${head.join(" | ")} |`,
    `|${"---|".repeat(head.length)}`,
    ...rows,
    "",
  ].join("\n");
}

function axisOf(name: string | undefined): keyof Point {
  if (name !== undefined && Object.hasOwn(AXES, name)) return name as keyof Point;
  throw new ThawError("option-invalid", `--axis: there is no axis "${name ?? ""}".`, {
    hint: `Give one of ${Object.keys(AXES).join(", ")}.`,
  });
}

function valuesOf(axis: keyof Point, text: string | undefined): readonly number[] {
  const values = text === undefined ? AXES[axis] : text.split(",").map(Number);
  const wrong = values.find((value) => !Number.isInteger(value) || value < 0);
  if (wrong === undefined) return values;
  throw new ThawError("option-invalid", `--values: "${text}" has no list of whole numbers.`, {
    hint: `For example: --values ${AXES[axis].join(",")}`,
  });
}

const { values: options } = parseArgs({
  options: {
    axis: { type: "string" },
    values: { type: "string" },
    out: { type: "string", default: "recorded/scaling.json" },
  },
});
const axis = axisOf(options.axis);
const wanted = valuesOf(axis, options.values).map((value): Point => ({ ...BASE, [axis]: value }));
let file: ScalingFile = existsSync(options.out)
  ? (JSON.parse(readFileSync(options.out, "utf8")) as ScalingFile)
  : {
      what: "MobileNetV2 1.0 on runner node, Adam, crops of the shoes",
      processor: cpus()[0]?.model,
      cores: availableParallelism(),
      points: [],
    };
const runner = createNodeRunner("node");
const cancellation = new AbortController();
process.once("SIGINT", () => cancellation.abort());
for (const point of wanted.filter((candidate) => !file.points.some((done) => isSame(done, candidate)))) {
  file = { ...file, points: [...file.points, await measure(runner, point, cancellation.signal)] };
  await writeWhole(options.out, `${JSON.stringify(file, null, 1)}\n`);
  await writeWhole(options.out.replace(/\.json$/, ".md"), markdown(file));
  process.stderr.write(`${axis} ${point[axis]}: done\n`);
}
await writeWhole(options.out.replace(/\.json$/, ".svg"), await scalingPlot(rowsOf(file)));
process.stdout.write(markdown(file));
