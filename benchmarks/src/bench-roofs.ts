import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { randomStream } from "@thaw/core";
import { environmentOf, loadEngine, nodeSettings } from "@thaw/node-runner/internals";

// What this machine can do at most, as one line of JSON for `thaw bench --roofs`: libtensorflow's product of two square
// matrices, and copies between buffers that no cache holds, on every processor at once.

const SIZE = 2048;
const COPY_BYTES = 2 ** 27;
const TRIES = 7;

function matmulGigaflops(): { engine: string; gigaflops: number[] } {
  const settings = nodeSettings({});
  const loaded = loadEngine(settings);
  const { tf } = loaded;
  const random = randomStream(1, "roofs");
  const matrix = () =>
    tf.tensor2d(
      Float32Array.from({ length: SIZE ** 2 }, () => random.uniform()),
      [SIZE, SIZE],
    );
  const [a, b] = [matrix(), matrix()];
  const once = (): number => {
    const startMs = performance.now();
    tf.matMul(a, b).dispose(); // eager on processors: it is done when it returns
    return (2 * SIZE ** 3) / ((performance.now() - startMs) * 1e6);
  };
  once(); // its threads start
  const gigaflops = Array.from({ length: TRIES }, once);
  return { engine: environmentOf(loaded, settings).engine, gigaflops };
}

/** A thread that copies once for each message. */
const COPIER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const from = Buffer.alloc(workerData, 7), to = Buffer.alloc(workerData, 3);
  parentPort.on("message", () => { from.copy(to); parentPort.postMessage("done"); });
  parentPort.postMessage("ready");
`;

/** GB/s that are read and written together. */
async function copyRates(threads: number): Promise<number[]> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(COPIER, { eval: true, execArgv: [], workerData: COPY_BYTES }),
  );
  const all = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => once(worker, "message")));
  };
  await all();
  const rates: number[] = [];
  for (let index = 0; index < TRIES; index += 1) {
    const startMs = performance.now();
    for (const worker of workers) worker.postMessage("copy");
    await all();
    rates.push((threads * 2 * COPY_BYTES) / ((performance.now() - startMs) * 1e6));
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return rates;
}

const rounded = (values: readonly number[]): number[] => values.map((value) => Math.round(value * 100) / 100);
const threads = availableParallelism();
const { engine, gigaflops } = matmulGigaflops();
const gigabytesPerSecond = await copyRates(threads);
const roofs = {
  engine,
  matmul: { size: SIZE, gigaflops: rounded(gigaflops) },
  copy: { bytes: COPY_BYTES, threads, gigabytesPerSecond: rounded(gigabytesPerSecond) },
};
process.stdout.write(`${JSON.stringify(roofs)}\n`, () => process.exit(0));
