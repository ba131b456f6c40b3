import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import {
  type Availability,
  type EngineSettings,
  type Environment,
  type EpochRecord,
  type HostTensor,
  loadImages,
  type Network,
  networkOf,
  type Outcome,
  type Plan,
  roundMs,
  serializeError,
  startingWeights,
  type Tfjs,
  ThawError,
} from "@thaw/core";
import { environmentOf, loadEngine, nodeSettings } from "@thaw/node-runner/internals";
import { fileHost } from "@thaw/runner-kit";
import type { StockSettings } from "./bench-stock.ts";
import { type StockLayers, stockModel } from "./stock-model.ts";

// The program of the baseline `stock`: one request on stdin, messages on stdout, a line of JSON each.

type Request =
  | { readonly type: "probe"; readonly settings: StockSettings }
  | {
      readonly type: "run";
      readonly plan: Plan;
      readonly options: { readonly storeDir: string; readonly settings: StockSettings };
    };

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function open({ threads, oneDnn }: StockSettings): { tf: Tfjs; stock: StockLayers; environment: Environment } {
  const settings = nodeSettings({ threads: threads === 0 ? availableParallelism() : threads, oneDnn });
  const loaded = loadEngine(settings);
  const stock = createRequire(import.meta.url)("@tensorflow/tfjs-layers") as StockLayers;
  const { engine, ...environment } = environmentOf(loaded, settings);
  const inForce: EngineSettings = { threads: settings.threads, oneDnn };
  const name = `tfjs-layers ${stock.version_layers} on ${engine}`;
  return { tf: loaded.tf, stock, environment: { ...environment, runner: "stock", engine: name, settings: inForce } };
}

/** @throws ThawError `spec-unsupported` */
function checkPlan({ spec, phases }: Plan): number {
  const [phase, ...more] = phases;
  const { horizontalFlip, maxShift } = spec.augmentation;
  const depth = phase?.freeze;
  const rate = phase?.optimizer.learningRate;
  const plain = more.length === 0 && !spec.shuffle && !horizontalFlip && maxShift === 0;
  if (plain && typeof depth === "number" && typeof rate === "number" && phase?.optimizer.name === "adam") return depth;
  throw new ThawError("spec-unsupported", "The baseline stock trains with a freeze count, Adam and a fixed rate.", {
    hint: "Leave out rules, schedules and augmentation, or the baseline.",
  });
}

type LayersModel = ReturnType<typeof stockModel>;

function assign(tf: Tfjs, model: LayersModel, network: Network, values: ReadonlyMap<string, HostTensor>): void {
  for (const layer of network.layers.filter(({ weights }) => weights.length > 0)) {
    const tensors = layer.weights.map(({ name, shape }) => {
      const value = values.get(`${layer.name}/${name}`);
      return tf.tensor(value?.data as Float32Array, [...shape], "float32");
    });
    model.getLayer(layer.name).setWeights(tensors);
    tf.dispose(tensors);
  }
}

/** What is known of a run that only trained: it judged no image, and took no digest. */
function outcomeOf(plan: Plan, records: readonly EpochRecord[], stepMs: readonly number[]): Outcome {
  const nothing = { losses: [], confidences: [] };
  const last = records.at(-1) as EpochRecord;
  const trainMs = records.reduce((sum, record) => sum + record.trainMs, 0);
  return {
    trainable: (plan.phases[0] as Plan["phases"][number]).trainable,
    epochs: records,
    final: { train: last.train, validation: null, test: null, epoch: last.epoch, stoppedEarly: false },
    predictions: { validation: [], test: [] },
    certainty: { validation: nothing, test: nothing },
    digests: { initial: "", final: "", frozen: { tensors: 0, before: "", after: "" } },
    timing: {
      totalMs: trainMs,
      trainMs,
      evaluateMs: 0,
      firstStepMs: stepMs[0] ?? 0,
      stepMs,
      imagesPerSecond: last.imagesPerSecond,
    },
    memory: { peakTensors: 0, peakTensorBytes: 0, peakRssBytes: process.resourceUsage().maxRSS * 1024 },
    underTrained: false,
  };
}

async function run(plan: Plan, storeDir: string, settings: StockSettings): Promise<void> {
  const depth = checkPlan(plan);
  const { tf, stock, environment } = open(settings);
  const { spec, splits, dataset } = plan;
  const { batchSize, epochs } = spec;
  const totalSteps = Math.ceil(splits.train.length / batchSize) * epochs;
  const event = (content: object): void => say({ type: "event", event: content });
  event({ type: "start", environment, trainable: plan.phases[0]?.trainable, totalSteps });
  const host = fileHost({ storeDir, settings: {} });
  const network = networkOf(plan);
  const model = stockModel(stock, network, depth);
  assign(tf, model, network, await startingWeights(plan, host));
  const adam = plan.phases[0]?.optimizer as Extract<Plan["phases"][number]["optimizer"], { name: "adam" }>;
  model.compile({
    optimizer: tf.train.adam(adam.learningRate as number, adam.beta1, adam.beta2, adam.epsilon),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  const images = await loadImages(dataset, "tf", host.readBlob);
  const x = tf.tensor4d(images.batch(splits.train), [splits.train.length, ...images.imageShape]);
  const y = tf.tensor1d(splits.train.map((index) => dataset.labels[index] ?? 0));
  const [records, stepMs]: [EpochRecord[], number[]] = [[], []];
  let [epochStartMs, batchStartMs] = [0, 0];
  await model.fit(x, y, {
    batchSize,
    epochs,
    shuffle: false,
    verbose: 0,
    callbacks: {
      onEpochBegin: async () => {
        epochStartMs = performance.now();
        batchStartMs = epochStartMs;
      },
      onBatchEnd: async (_, logs) => {
        const now = performance.now();
        const [ms, size] = [roundMs(now - batchStartMs), logs?.size ?? batchSize];
        const step = stepMs.push(ms);
        const epoch = Math.ceil((step * epochs) / totalSteps);
        event({ type: "step", epoch, step, loss: logs?.loss, ms, images: size });
        batchStartMs = performance.now();
      },
      onEpochEnd: async (index, logs) => {
        const trainMs = roundMs(performance.now() - epochStartMs);
        const record: EpochRecord = {
          phase: "phase-1",
          epoch: index + 1,
          learningRate: adam.learningRate as number,
          train: { loss: logs?.loss as number, accuracy: logs?.acc as number },
          validation: null,
          trainMs,
          evaluateMs: 0,
          imagesPerSecond: roundMs((splits.train.length / trainMs) * 1000),
        };
        records.push(record);
        event({ type: "epoch", ...record });
      },
    },
  });
  event({ type: "end", outcome: outcomeOf(plan, records, stepMs) });
}

function availability(settings: StockSettings): Availability {
  try {
    return { ok: true, environment: open(settings).environment };
  } catch (error) {
    const { code, message, hint = "npm run setup" } = serializeError(error);
    return { ok: false, code, reason: message, hint };
  }
}

async function answer(request: Request): Promise<void> {
  if (request.type === "probe") say({ type: "available", availability: availability(request.settings) });
  else await run(request.plan, request.options.storeDir, request.options.settings);
  say({ type: "done" });
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request | { readonly type: "cancel" };
  if (request.type === "cancel") process.exit(1);
  answer(request)
    .catch((error: unknown) => say({ type: "error", error: serializeError(error) }))
    .finally(() => process.exit(0));
}
