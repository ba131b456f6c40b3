import { openStore, preparePlan } from "@thaw/assets";
import {
  browserSettings,
  type EngineName,
  environmentOf,
  openRequest,
  openSession,
} from "@thaw/browser-runner/internals";
import { parseSpec } from "@thaw/core";

// Tensors, GPU bytes and the browser's resident memory over STEPS training steps with nothing frozen.

const STEPS = Number(process.env.STEPS ?? 300);
const ENGINE = (process.env.ENGINE ?? "webgpu") as EngineName;
const REPORT_AT = new Set([1, 10, 50, 100, 150, 200, 250, STEPS]);
const BATCH = 4;

const spec = parseSpec({
  version: 1,
  name: "memory",
  model: { alpha: 0.35, imageSize: 32, weights: "random" },
  data: { kind: "builtin", name: "fashion-shoes", limit: BATCH * 10 },
  split: { validation: 0, test: 0 },
  optimizer: { name: "adam", learningRate: 1e-3 },
  batchSize: BATCH,
  epochs: Math.ceil(STEPS / 10),
});
const { plan, storeDir } = await preparePlan(spec, { baseDir: process.cwd() });
const settings = browserSettings(ENGINE, {});
const session = await openSession(openRequest(ENGINE, settings), 0);
const megabytes = (bytes: number | null): string => (bytes === null ? "–" : (bytes / 1e6).toFixed(1));
process.stdout.write("| step | tensors | MB in GPU | MB allocated in GPU | browser RSS, MB |\n|---|---|---|---|---|\n");
await session.run(
  { plan, storeDir: openStore(storeDir).folder },
  environmentOf(ENGINE, session, settings),
  undefined,
  (events) => {
    for (const event of events) {
      if (event.type !== "step" || !REPORT_AT.has(event.step)) continue;
      const rss = session.launched.rssBytes();
      void session.memory().then(({ tensors, gpuBytes, gpuBytesAllocated }) => {
        const cells = [event.step, tensors, megabytes(gpuBytes), megabytes(gpuBytesAllocated), megabytes(rss)];
        process.stdout.write(`| ${cells.join(" | ")} |\n`);
      });
    }
  },
);
await session.close();
