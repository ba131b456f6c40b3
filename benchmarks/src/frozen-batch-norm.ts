import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore, preparePlan } from "@thaw/assets";
import {
  loadImages,
  type NamedTensors,
  networkOf,
  type Outcome,
  type Plan,
  parseSafetensors,
  parseSpec,
  type Runner,
  startingWeights,
  ThawError,
} from "@thaw/core";
import { createRunner as createKeras } from "@thaw/keras-runner";
import { createRunner as createNode } from "@thaw/node-runner";
import { loadEngine, nodeSettings } from "@thaw/node-runner/internals";
import { type StockLayers, stockModel } from "./stock-model.ts";

// What a frozen BatchNormalization does in Keras, in Thaw's two modes, and in stock tfjs-layers: accuracy and how far
// the statistics of frozen layers moved. Writes benchmarks/results/frozen-batch-norm.json.

const SPEC = fileURLToPath(new URL("../specs/frozen-batch-norm.json", import.meta.url));
const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));
const SEEDS = [0, 1, 2];
const DEPTHS = [154, 100];

interface Row {
  readonly trainer: string;
  readonly depth: number;
  readonly seed: number;
  readonly trainAccuracy: number;
  readonly testAccuracy: number;
  readonly testLoss: number;
  /** Relative L2 change of all moving statistics of frozen layers. */
  readonly statisticsMoved: number;
}

/** How far the moving statistics of frozen layers went, relative to their size. */
function statisticsMoved(plan: Plan, before: NamedTensors, after: (name: string) => ArrayLike<number>): number {
  const frozen = (plan.phases[0]?.treatments ?? []).filter(
    (row) => row.type === "BatchNormalization" && !row.trainable,
  );
  let [apart, size] = [0, 0];
  for (const { name } of frozen) {
    for (const statistic of ["moving_mean", "moving_variance"]) {
      const start = before.get(`${name}/${statistic}`)?.data ?? [];
      const end = after(`${name}/${statistic}`);
      for (let index = 0; index < start.length; index += 1) {
        apart += ((end[index] ?? Number.NaN) - (start[index] ?? 0)) ** 2;
        size += (start[index] ?? 0) ** 2;
      }
    }
  }
  return Math.sqrt(apart / size);
}

async function prepared(
  depth: number,
  seed: number,
  frozenBatchNorm: "inference" | "batch-stats",
): Promise<{ plan: Plan; storeDir: string; start: NamedTensors }> {
  const document = JSON.parse(await readFile(SPEC, "utf8")) as object;
  const spec = parseSpec({ ...document, freeze: depth, seed, frozenBatchNorm }, { where: SPEC });
  const { plan, storeDir } = await preparePlan(spec, { baseDir: join(SPEC, "..") });
  const store = openStore(storeDir);
  return { plan, storeDir, start: await startingWeights(plan, { readBlob: (ref) => store.read(ref) }) };
}

async function onRunner(
  trainer: string,
  runner: Runner,
  depth: number,
  seed: number,
  mode: "inference" | "batch-stats",
): Promise<Row> {
  const { plan, storeDir, start } = await prepared(depth, seed, mode);
  const folder = await mkdtemp(join(tmpdir(), "thaw-frozen-"));
  const file = join(folder, "final.safetensors");
  let outcome: Outcome | undefined;
  try {
    for await (const event of runner.run(plan, { storeDir, settings: {}, exportWeights: file })) {
      if (event.type === "end") outcome = event.outcome;
    }
    if (outcome?.final.test == null) throw new ThawError("internal", `${trainer} gave no test accuracy.`);
    const end = parseSafetensors(await readFile(file), file);
    return {
      trainer,
      depth,
      seed,
      trainAccuracy: outcome.final.train.accuracy,
      testAccuracy: outcome.final.test.accuracy,
      testLoss: outcome.final.test.loss,
      statisticsMoved: statisticsMoved(plan, start, (name) => end.get(name)?.data ?? []),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Stock tfjs-layers, `model.fit` as its users call it, on the same libtensorflow. */
async function onStock(depth: number, seed: number): Promise<Row> {
  const { plan, storeDir, start } = await prepared(depth, seed, "batch-stats");
  const store = openStore(storeDir);
  const { tf } = loadEngine(nodeSettings({}));
  const stock = createRequire(import.meta.url)("@tensorflow/tfjs-layers") as StockLayers;
  const model = stockModel(stock, networkOf(plan), depth);
  for (const layer of model.layers) {
    const names = networkOf(plan).layers.find(({ name }) => name === layer.name)?.weights ?? [];
    const values = names.map(({ name, shape }) => {
      const data = start.get(`${layer.name}/${name}`)?.data as Float32Array;
      return tf.tensor(data.slice(), [...shape]);
    });
    if (values.length > 0) layer.setWeights(values);
  }
  const { dataset, splits, spec } = plan;
  const images = await loadImages(dataset, "tf", (ref) => store.read(ref));
  const part = (indices: readonly number[]) => {
    const x = tf.tensor4d(images.batch(indices), [indices.length, ...images.imageShape]);
    const labels = indices.map((index) => dataset.labels[index] ?? 0);
    return { x, y: tf.tensor1d(labels, "float32") };
  };
  const [train, test] = [part(splits.train), part(splits.test)];
  const rate = spec.optimizer.learningRate;
  model.compile({
    optimizer: tf.train.adam(typeof rate === "number" ? rate : 1e-3, 0.9, 0.999, 1e-7),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  const { batchSize, epochs } = spec;
  const history = await model.fit(train.x, train.y, { batchSize, epochs, shuffle: true, verbose: 0 });
  const [loss, accuracy] = (model.evaluate(test.x, test.y, { batchSize }) as { dataSync(): Float32Array }[]).map(
    (value) => value.dataSync()[0] ?? Number.NaN,
  );
  const end = new Map<string, Float32Array>();
  for (const layer of model.layers) {
    const names = networkOf(plan).layers.find(({ name }) => name === layer.name)?.weights ?? [];
    for (const [index, value] of layer.getWeights().entries()) {
      end.set(`${layer.name}/${names[index]?.name}`, value.dataSync() as Float32Array);
    }
  }
  return {
    trainer: "stock tfjs-layers, model.fit",
    depth,
    seed,
    trainAccuracy: Number((history.history.acc ?? history.history.accuracy)?.at(-1)),
    testAccuracy: accuracy ?? Number.NaN,
    testLoss: loss ?? Number.NaN,
    statisticsMoved: statisticsMoved(plan, start, (name) => end.get(name) ?? []),
  };
}

const node = createNode("node");
const keras = createKeras("keras");
const rows: Row[] = [];
for (const depth of DEPTHS) {
  for (const seed of SEEDS) {
    for (const run of [
      () => onRunner("Keras", keras, depth, seed, "inference"),
      () => onRunner("Thaw, frozenBatchNorm: inference", node, depth, seed, "inference"),
      () => onRunner("Thaw, frozenBatchNorm: batch-stats", node, depth, seed, "batch-stats"),
      () => onStock(depth, seed),
    ]) {
      const row = await run();
      rows.push(row);
      process.stdout.write(`${JSON.stringify(row)}\n`);
    }
  }
}
await mkdir(RESULTS, { recursive: true });
await writeFile(
  join(RESULTS, "frozen-batch-norm.json"),
  `${JSON.stringify({ spec: "frozen-batch-norm", rows }, null, 1)}\n`,
);
process.exit(0);
