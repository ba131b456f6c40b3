import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { median, roundMs } from "@thaw/core";
import { loadEngine, nodeSettings, tensorflowKernels } from "@thaw/node-runner/internals";
import { stockSteps, thawSteps } from "./step-makers.ts";
import type { StockLayers } from "./stock-model.ts";

// Steps of Thaw's executor beside stock tfjs-layers `model.fit`, same libtensorflow, same process, interleaved.

const BATCH = 32;
const STEPS = 2;
const ROUNDS = Number(process.env.ROUNDS ?? 7);
const IMAGE_SIZE = 160;

const settings = nodeSettings({ oneDnn: process.env.ONEDNN !== "off" });
const loaded = loadEngine(settings);
const { tf, backend } = loaded;
const stock = createRequire(import.meta.url)("@tensorflow/tfjs-layers") as StockLayers;
const kernels = tensorflowKernels(tf, backend);

const shape = { alpha: 1, imageSize: IMAGE_SIZE, batch: BATCH, steps: STEPS };

interface Row {
  readonly depth: number;
  readonly variant: string;
  readonly stepMs: number[];
}

const rows: Row[] = [];
for (const depth of [0, 100]) {
  const variants = { thaw: thawSteps(kernels, shape, depth), stock: stockSteps(tf, stock, shape, depth) };
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
