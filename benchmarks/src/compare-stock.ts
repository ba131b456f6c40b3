import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import {
  buildNetwork,
  initialWeights,
  median,
  noMetrics,
  Optimizer,
  parseSpec,
  planPass,
  randomStream,
  resolveFreeze,
  roundMs,
  trainStep,
  Variables,
} from "@thaw/core";
import { loadEngine, nodeSettings, tensorflowKernels } from "@thaw/node-runner/internals";
import { type StockLayers, stockModel } from "./stock-model.ts";

// Steps of Thaw's executor beside stock tfjs-layers `model.fit`, same libtensorflow, same process, interleaved.

const BATCH = 32;
const STEPS = 2;
const ROUNDS = Number(process.env.ROUNDS ?? 7);
const CLASSES = 6;
const IMAGE_SIZE = 160;

const settings = nodeSettings({ oneDnn: process.env.ONEDNN !== "off" });
const loaded = loadEngine(settings);
const { tf, backend } = loaded;
const stock = createRequire(import.meta.url)("@tensorflow/tfjs-layers") as StockLayers;
const kernels = tensorflowKernels(tf, backend);

const random = randomStream(1, "benchmark");
const images = Float32Array.from({ length: BATCH * STEPS * IMAGE_SIZE ** 2 * 3 }, () => random.uniform() * 2 - 1);
const labels = Int32Array.from({ length: BATCH * STEPS }, () => random.below(CLASSES));

/** Makes a function that trains STEPS steps with Thaw's executor. */
function thawSteps(depth: number): () => Promise<void> {
  const spec = parseSpec({ version: 1, name: "bench", data: { kind: "builtin", name: "shoes" }, freeze: depth });
  const network = buildNetwork(spec.model, CLASSES);
  const treatments = resolveFreeze(depth, network.base.layers, network.head, spec);
  const values = new Map(network.layers.flatMap((layer) => [...initialWeights(layer, 0)]));
  const variables = new Variables(kernels, network.layers, values);
  const context = { kernels, steps: planPass(network.layers, treatments), variables };
  const names = context.steps.flatMap(({ layer, trains }) =>
    trains ? layer.weights.filter((weight) => weight.trainable).map((weight) => `${layer.name}/${weight.name}`) : [],
  );
  const optimizer = new Optimizer(kernels, spec.optimizer, [{ lrMultiplier: 1, names }], variables);
  const imageSize = images.length / labels.length;
  return async () => {
    for (let step = 0; step < STEPS; step += 1) {
      const batch = {
        images: images.slice(step * BATCH * imageSize, (step + 1) * BATCH * imageSize),
        imageShape: [IMAGE_SIZE, IMAGE_SIZE, 3] as const,
        labels: labels.slice(step * BATCH, (step + 1) * BATCH),
      };
      const noMask = (): Float32Array => new Float32Array();
      await trainStep(context, optimizer, batch, noMask, noMetrics(), { epoch: 1, step }, () => undefined);
    }
  };
}

/** Makes a function that fits STEPS batches with stock tfjs-layers. */
function stockSteps(depth: number): () => Promise<void> {
  const model = stockModel(
    stock,
    buildNetwork(parseSpec({ version: 1, name: "b", data: { kind: "builtin", name: "shoes" } }).model, CLASSES),
    depth,
  );
  model.compile({ optimizer: tf.train.adam(1e-3), loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
  const x = tf.tensor4d(images, [labels.length, IMAGE_SIZE, IMAGE_SIZE, 3]);
  const y = tf.tensor1d(Float32Array.from(labels), "float32");
  return async () => {
    await model.fit(x, y, { batchSize: BATCH, epochs: 1, shuffle: false, verbose: 0 });
  };
}

interface Row {
  readonly depth: number;
  readonly variant: string;
  readonly stepMs: number[];
}

const rows: Row[] = [];
for (const depth of [0, 100]) {
  const variants = { thaw: thawSteps(depth), stock: stockSteps(depth) };
  for (const run of Object.values(variants)) await run(); // warm-up
  const samples: Record<string, number[]> = { thaw: [], stock: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(variants)) {
      const startMs = performance.now();
      await run();
      samples[name]?.push(roundMs((performance.now() - startMs) / STEPS));
    }
  }
  for (const [variant, stepMs] of Object.entries(samples)) rows.push({ depth, variant, stepMs });
}

const summary = rows.map(({ depth, variant, stepMs }) => {
  const middle = median(stepMs) ?? Number.NaN;
  return {
    depth,
    variant,
    medianStepMs: middle,
    minStepMs: Math.min(...stepMs),
    maxStepMs: Math.max(...stepMs),
    imagesPerSecond: roundMs((BATCH / middle) * 1000),
    stepMs,
  };
});
const record = {
  what: `MobileNetV2 1.0, ${IMAGE_SIZE} px, batch ${BATCH}, Adam; ${STEPS} steps a sample, ${ROUNDS} interleaved rounds`,
  processor: cpus()[0]?.model,
  settings,
  tensorflow: loaded.info.tfVersion,
  summary,
};
mkdirSync(new URL("../recorded", import.meta.url), { recursive: true });
writeFileSync(new URL("../recorded/stock-tfjs-layers.json", import.meta.url), `${JSON.stringify(record, null, 2)}\n`);
for (const { depth, variant, medianStepMs, minStepMs, maxStepMs, imagesPerSecond } of summary) {
  process.stdout.write(
    `depth ${depth} ${variant}: ${medianStepMs} ms a step (${minStepMs} to ${maxStepMs}), ${imagesPerSecond} images/s\n`,
  );
}
