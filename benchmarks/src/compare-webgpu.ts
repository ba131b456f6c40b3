import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg } from "node:os";
import { preparePlan } from "@thaw/assets";
import { createRunner as createBrowserRunner } from "@thaw/browser-runner";
import { median, type Outcome, parseSpec, type Runner, roundMs, ThawError } from "@thaw/core";
import { openDawn } from "@thaw/dawn-runner/internals";
import { createRunner as createNodeRunner } from "@thaw/node-runner";
import { stockSteps, thawSteps } from "./step-makers.ts";
import type { StockLayers } from "./stock-model.ts";

/**
 * ms per training step, MobileNetV2 0.35, 96 px, batch 8: our WebGPU kernels beside stock tfjs-layers on the same
 * adapter (Dawn, in this process), and beside the runners of Chromium and libtensorflow. Interleaved; the first step,
 * which compiles shaders, apart. THAW_VULKAN_ICD chooses the adapter; ROUNDS, SUBJECTS and NAME as below.
 */
const SHAPE = { alpha: 0.35, imageSize: 96, batch: 8, steps: 1 };
const DEPTHS = (process.env.DEPTHS ?? "0,50,100,154").split(",").map(Number);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SUBJECTS = (process.env.SUBJECTS ?? "dawn,stock,webgpu,webgl,wasm,node").split(",");
const EPOCH_STEPS = 3;
const NAME = process.env.NAME ?? "webgpu-steps";

interface StepTimes {
  readonly firstMs: number;
  readonly stepMs: readonly number[];
  readonly keptMs?: readonly number[];
}

/** Something that trains steps and tells their times. */
interface Subject {
  readonly name: string;
  /** Times of the first step ever, of the steps after it, and of steps that find the outputs of frozen layers kept. */
  sample(depth: number): Promise<StepTimes>;
  close(): Promise<void>;
}

/** Our kernels, or stock tfjs-layers, on one Dawn device in this process. */
async function dawnSubjects(): Promise<readonly Subject[]> {
  const dawn = await openDawn({ requireHardware: false });
  const stock = createRequire(import.meta.url)("@tensorflow/tfjs-layers") as StockLayers;
  const kernels = dawn.kernels([]);
  const makers = {
    dawn: (depth: number) => thawSteps(kernels, SHAPE, depth),
    stock: (depth: number) => stockSteps(dawn.tf, stock, SHAPE, depth),
  };
  return Object.entries(makers).map(([name, make]) => {
    const made = new Map<number, { run: () => Promise<void>; firstMs: number }>();
    const timed = async (run: () => Promise<void>): Promise<number> => {
      const startMs = performance.now();
      await run();
      await dawn.synchronize();
      return roundMs(performance.now() - startMs);
    };
    return {
      name: `${name === "dawn" ? "own kernels" : "stock tfjs-layers"}, Dawn, ${dawn.adapter.name}`,
      async sample(depth: number) {
        const run = made.get(depth)?.run ?? make(depth);
        const firstMs = made.get(depth)?.firstMs ?? (await timed(run));
        made.set(depth, { run, firstMs });
        return { firstMs, stepMs: [await timed(run)] };
      },
      close: async () => undefined,
    };
  });
}

/** A runner through its front door: a few steps of a small plan, the session kept from sample to sample. */
function runnerSubject(runner: Runner): Subject {
  const firsts = new Map<number, number>();
  return {
    name: `runner ${runner.name}`,
    async sample(depth) {
      const spec = parseSpec({
        version: 1,
        name: "steps",
        model: { alpha: SHAPE.alpha, imageSize: SHAPE.imageSize, weights: "random" },
        data: { kind: "builtin", name: "fashion-shoes", limit: SHAPE.batch * EPOCH_STEPS },
        split: { validation: 0, test: 0 },
        freeze: depth,
        optimizer: { name: "adam", learningRate: 1e-3 },
        batchSize: SHAPE.batch,
        epochs: 2,
      });
      const { plan, storeDir } = await preparePlan(spec, { baseDir: process.cwd() });
      let outcome: Outcome | undefined;
      for await (const event of runner.run(plan, { storeDir, settings: {} })) {
        if (event.type === "end") outcome = event.outcome;
      }
      if (outcome === undefined) throw new ThawError("internal", `Runner "${runner.name}" gave no outcome.`);
      const { firstStepMs, stepMs } = outcome.timing;
      firsts.set(depth, firsts.get(depth) ?? firstStepMs);
      const [firstEpoch, second] = [stepMs.slice(1, EPOCH_STEPS), stepMs.slice(EPOCH_STEPS)];
      const firstMs = firsts.get(depth) ?? firstStepMs;
      if (depth === 0) return { firstMs, stepMs: [...firstEpoch, ...second] };
      return { firstMs, stepMs: firstEpoch, keptMs: second };
    },
    close: async () => await runner.close?.(),
  };
}

const runners = SUBJECTS.filter((name) => name !== "dawn" && name !== "stock").map((name) =>
  runnerSubject(name === "node" ? createNodeRunner(name) : createBrowserRunner(name)),
);
const inProcess = (await dawnSubjects()).filter(({ name }) =>
  SUBJECTS.includes(name.startsWith("own") ? "dawn" : "stock"),
);
const subjects = [...inProcess, ...runners];
const rows: { subject: string; depth: number; firstMs: number; stepMs: number[]; keptMs: number[] }[] = [];
for (const depth of DEPTHS) {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const subject of subjects) {
      const { firstMs, stepMs, keptMs = [] } = await subject.sample(depth);
      const row = rows.find((entry) => entry.subject === subject.name && entry.depth === depth);
      if (row === undefined) {
        rows.push({ subject: subject.name, depth, firstMs, stepMs: [...stepMs], keptMs: [...keptMs] });
      } else {
        row.stepMs.push(...stepMs);
        row.keptMs.push(...keptMs);
      }
    }
  }
  const cell = (ms: readonly number[]): string =>
    ms.length === 0 ? "–" : `${median(ms)} | ${Math.min(...ms)} to ${Math.max(...ms)}`;
  for (const { subject, firstMs, stepMs, keptMs } of rows.filter((row) => row.depth === depth)) {
    process.stdout.write(`| ${depth} | ${subject} | ${cell(stepMs)} | ${firstMs} | ${cell(keptMs)} |\n`);
  }
}
for (const subject of subjects) await subject.close();
const record = {
  what: `ms per step, MobileNetV2 ${SHAPE.alpha}, ${SHAPE.imageSize} px, batch ${SHAPE.batch}, Adam; ${ROUNDS} interleaved rounds`,
  processor: cpus()[0]?.model,
  loadAverageAtEnd: loadavg(),
  rows,
};
mkdirSync(new URL("../recorded", import.meta.url), { recursive: true });
writeFileSync(new URL(`../recorded/${NAME}.json`, import.meta.url), `${JSON.stringify(record, null, 2)}\n`);
process.exit(0); // Dawn keeps the process alive
