import type { BlobRef } from "../data/dataset.ts";
import { randomStream } from "../data/random.ts";
import { ThawError } from "../error.ts";
import { type HostTensor, writeSafetensors } from "../model/safetensors.ts";
import { makePlan, networkOf, type Plan } from "../plan/plan.ts";
import { sha256 } from "../spec/hash.ts";
import { parseSpec } from "../spec/parse.ts";
import type { SpecInput } from "../spec/schema.ts";
import { epochOrder } from "../train/epoch-batches.ts";
import { initialWeights } from "../train/initial-weights.ts";
import { outcomeOf } from "./contract-events.ts";
import { testOps } from "./contract-ops.ts";
import { testPredict } from "./contract-predict.ts";
import { testProfile } from "./contract-profile.ts";
import { testResume } from "./contract-resume.ts";
import type { RunEvent, Runner, RunOptions } from "./runner.ts";
import { STEP_FILE, type TracedStep, weightsFile } from "./trace.ts";

/** The functions of vitest (or a test runner like it) that the suite needs. */
export interface TestFunctions {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => Promise<void>, timeoutMs?: number) => void;
  readonly expect: (value: unknown) => {
    toBe(expected: unknown): void;
    toEqual(expected: unknown): void;
    toBeGreaterThan(expected: number): void;
    toBeCloseTo(expected: number, digits?: number): void;
  };
}

/** Where the suite puts its blobs: any store that the runner can be pointed at. */
export interface ContractStore {
  readonly folder: string;
  put(bytes: Uint8Array): Promise<BlobRef>;
}

const CLASSES = ["dark", "light", "striped"];
const IMAGE_SIZE = 32;
const IMAGES = 14;
const TIMEOUT_MS = 300_000;

/** Images that a network can tell apart: dark, light, striped, each with noise. */
function drawImages(): { pixels: Uint8Array; labels: number[] } {
  const random = randomStream(7, "contract/images");
  const bytes = IMAGE_SIZE * IMAGE_SIZE * 3;
  const pixels = new Uint8Array(IMAGES * bytes);
  const labels = Array.from({ length: IMAGES }, (_, index) => index % CLASSES.length);
  for (const [image, label] of labels.entries()) {
    for (let offset = 0; offset < bytes; offset += 1) {
      const stripe = Math.floor(offset / 24) % 2 === 0;
      const level = label === 0 ? 40 : label === 1 ? 200 : stripe ? 220 : 30;
      pixels[image * bytes + offset] = level + random.below(30);
    }
  }
  return { pixels, labels };
}

/**
 * Makes a small plan over drawn images, for tests of a runner's own.
 * @param change fields of the spec that differ
 * @param weights of the base; fresh ones without
 */
export async function contractPlan(
  store: ContractStore,
  change: Partial<SpecInput>,
  weights: BlobRef | null = null,
): Promise<Plan> {
  const { pixels, labels } = drawImages();
  const shard = { ...(await store.put(pixels)), count: IMAGES };
  const spec = parseSpec({
    version: 1,
    name: "contract",
    model: { alpha: 0.35, imageSize: IMAGE_SIZE, weights: "random" },
    data: { kind: "tensors", file: "drawn", classes: CLASSES },
    split: { validation: 0.2, by: "last" },
    freeze: 100,
    optimizer: { name: "adam", learningRate: 1e-3 },
    batchSize: 4,
    ...(change.phases === undefined ? { epochs: 2 } : {}),
    seed: 3,
    record: "steps",
    ...change,
  });
  return await makePlan({
    spec,
    weights: { blob: weights, source: weights === null ? "random" : "contract" },
    headWeights: null,
    dataset: {
      source: "drawn",
      classes: CLASSES,
      imageShape: [IMAGE_SIZE, IMAGE_SIZE, 3],
      shards: [shard],
      labels,
      ids: labels.map((_, index) => String(index)),
      hashes: labels.map((_, index) => String(index)),
      decoding: {},
    },
    warnings: [],
  });
}

async function collect(runner: Runner, plan: Plan, options: RunOptions): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of runner.run(plan, options)) events.push(event);
  return events;
}

/** What the first steps of a plan over the drawn images are to be trained on. */
async function stepsOf({ splits, spec }: Plan, count: number): Promise<readonly TracedStep[]> {
  const { pixels, labels } = drawImages();
  const bytes = IMAGE_SIZE * IMAGE_SIZE * 3;
  const order = epochOrder(splits.train, spec.shuffle, spec.seed, 1);
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const batch = order.slice(index * spec.batchSize, (index + 1) * spec.batchSize);
      const images = new Uint8Array(batch.length * bytes);
      for (const [place, image] of batch.entries()) {
        images.set(pixels.subarray(image * bytes, (image + 1) * bytes), place * bytes);
      }
      const classes = new Uint8Array(Int32Array.from(batch, (image) => labels[image] ?? 0).buffer);
      return { step: index + 1, images: await sha256(images), labels: await sha256(classes) };
    }),
  );
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return "no error";
  } catch (error) {
    return error instanceof ThawError ? error.code : `no ThawError: ${String(error)}`;
  }
}

/**
 * The contract of a runner, as tests: events and their order, determinism, cancelling, clear errors, frozen weights.
 * @param store a fresh store in a temporary folder
 */
export function describeRunner(runner: Runner, store: ContractStore, { describe, it, expect }: TestFunctions): void {
  const options: RunOptions = { storeDir: store.folder, settings: {} };
  const test = (name: string, body: () => Promise<void>): void => it(name, body, TIMEOUT_MS);

  describe(`runner ${runner.name}`, () => {
    test("says what it runs on", async () => {
      const availability = await runner.probe();
      if (!availability.ok) throw new ThawError(availability.code, availability.reason, { hint: availability.hint });
      expect(availability.environment.runner).toBe(runner.name);
      expect(availability.environment.engine.length).toBeGreaterThan(0);
    });

    test("starts, steps, ends each epoch, and ends, in this order", async () => {
      const plan = await contractPlan(store, {});
      const events = await collect(runner, plan, options);
      const kinds = events.map((event) => event.type).filter((kind) => kind !== "warning" && kind !== "cache");
      const epoch = ["step", "step", "step", "epoch"]; // 11 training images in batches of 4, the last of 3
      expect(kinds).toEqual(["start", ...epoch, ...epoch, "end"]);
      const outcome = outcomeOf(events);
      expect(outcome.trainable).toEqual(plan.phases[0]?.trainable);
      expect(outcome.steps?.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
      const [first, second, third] = outcome.steps ?? [];
      const mean = (4 * (first?.loss ?? 0) + 4 * (second?.loss ?? 0) + 3 * (third?.loss ?? 0)) / 11;
      expect(outcome.epochs[0]?.train.loss).toBeCloseTo(mean, 5);
      expect(outcome.predictions.validation.length).toBe(plan.splits.validation.length);
      if (outcome.certainty !== undefined) {
        const { losses, confidences } = outcome.certainty.validation;
        const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
        expect(mean).toBeCloseTo(outcome.final.validation?.loss ?? Number.NaN, 4);
        expect(confidences.length).toBe(losses.length);
        for (const [image, index] of plan.splits.validation.entries()) {
          const ofLabel = Math.exp(-(losses[image] ?? 0));
          const ofPredicted = confidences[image] ?? 0;
          if (outcome.predictions.validation[image] === plan.dataset.labels[index]) {
            expect(ofLabel).toBeCloseTo(ofPredicted, 4);
          } else expect(ofLabel <= ofPredicted + 1e-5).toBe(true);
        }
      }
    });

    test("says so when the GPU is emulated, and only then", async () => {
      const events = await collect(runner, await contractPlan(store, { epochs: 1 }), options);
      const [start] = events;
      const software = start?.type === "start" && start.environment.device.software;
      const warned = events.some((event) => event.type === "warning" && event.code === "software-adapter");
      expect(warned).toBe(software);
    });

    test("starts from the weights that the plan says, and leaves frozen ones alone", async () => {
      const plan = await contractPlan(store, { epochs: 1 });
      const weights = new Map<string, HostTensor>();
      for (const layer of networkOf(plan).layers) {
        for (const [name, value] of initialWeights(layer, plan.spec.seed)) weights.set(name, value);
      }
      const { digests } = outcomeOf(await collect(runner, plan, options));
      expect(digests.initial).toBe(await sha256(writeSafetensors(weights)));
      expect(digests.frozen.tensors).toBeGreaterThan(100);
      expect(digests.frozen.after).toBe(digests.frozen.before);
      expect(digests.final === digests.initial).toBe(false);
    });

    if (runner.traces) {
      test("leaves a trace of what it trained on", async () => {
        const plan = await contractPlan(store, {});
        const trace = { folder: store.folder, weightsAt: [0, 2] };
        const events = await collect(runner, plan, { ...options, trace });
        const files = events.flatMap((event) => (event.type === "trace" ? [event.file.split(/[/\\]/).at(-1)] : []));
        expect(files).toEqual([weightsFile(0), STEP_FILE, weightsFile(2)]);
        const outcome = outcomeOf(events);
        expect(outcome.trace?.steps).toEqual(await stepsOf(plan, 2));
        expect(outcome.trace?.trained.length).toBe(plan.phases[0]?.trainable.tensors);
        expect(outcome.steps?.length).toBe(2);
        expect(outcome.final.validation).toBe(null);
      });
    }

    if (runner.resumes) testResume(runner, (change) => contractPlan(store, change), options, test, expect);

    test("gives the same bits for the same plan", async () => {
      const plan = await contractPlan(store, { freeze: 0 });
      const [first, second] = [
        outcomeOf(await collect(runner, plan, options)),
        outcomeOf(await collect(runner, plan, options)),
      ];
      expect(second.steps).toEqual(first.steps);
      expect(second.digests).toEqual(first.digests);
    });

    test("gives the same bits whether outputs of frozen layers are kept or not", async () => {
      const plan = await contractPlan(store, { augmentation: { horizontalFlip: true } });
      const none = { memoryBytes: 0, diskBytes: 0 };
      // Room for a few images: some batches are half kept, half computed.
      const [kept, some, computed] = [
        await collect(runner, plan, options),
        await collect(runner, plan, { ...options, cache: { memoryBytes: 100_000, diskBytes: 0 } }),
        await collect(runner, plan, { ...options, cache: none }),
      ];
      for (const events of [kept, some]) {
        const rounded = events.some((event) => event.type === "warning" && event.code === "cache-batch-rounding");
        if (rounded) continue; // the runner says so itself
        expect(outcomeOf(events).steps).toEqual(outcomeOf(computed).steps);
        expect(outcomeOf(events).digests).toEqual(outcomeOf(computed).digests);
      }
    });

    test("stops when it is told to", async () => {
      const plan = await contractPlan(store, { epochs: 50 });
      const controller = new AbortController();
      const run = async (): Promise<void> => {
        for await (const event of runner.run(plan, { ...options, signal: controller.signal })) {
          if (event.type === "step") controller.abort();
        }
      };
      expect(await codeOf(run())).toBe("cancelled");
    });

    test("stops at a loss that is not finite, and names the layer", async () => {
      const layer = networkOf(await contractPlan(store, {})).layers.find(({ name }) => name === "block_3_expand");
      if (layer === undefined) throw new ThawError("internal", "There is no block_3_expand.");
      const broken = initialWeights(layer, 0);
      (broken.get("block_3_expand/kernel")?.data as Float32Array)[5] = Number.NaN;
      const plan = await contractPlan(store, {}, await store.put(writeSafetensors(broken)));
      let message = "";
      const run = collect(runner, plan, options).catch((error: unknown) => {
        message = error instanceof Error ? error.message : String(error);
        throw error;
      });
      expect(await codeOf(run)).toBe("non-finite");
      expect(message.includes("block_3_expand")).toBe(true);
    });

    test("refuses data that is not what its hash says", async () => {
      const plan = await contractPlan(store, {});
      const other = await store.put(new Uint8Array(IMAGES * IMAGE_SIZE * IMAGE_SIZE * 3 + 1));
      const shards = [{ ...other, count: IMAGES }];
      const wrong: Plan = { ...plan, dataset: { ...plan.dataset, shards } };
      expect(await codeOf(collect(runner, wrong, options))).toBe("blob-corrupt");
    });

    test("refuses a setting that it does not know", async () => {
      const plan = await contractPlan(store, {});
      const wrong = { ...options, settings: { noSuchSetting: 1 } };
      expect(await codeOf(collect(runner, plan, wrong))).toBe("setting-invalid");
    });

    testProfile(runner, () => contractPlan(store, { epochs: 1 }), options, test, expect);
    const planOf = (): Promise<Plan> =>
      contractPlan(store, { freeze: 155, epochs: 1, optimizer: { name: "sgd", learningRate: 1e-30 } });
    testPredict(runner, { planOf, pixels: drawImages().pixels, codeOf }, options, test, expect);
    testOps(runner, test, expect);
  });
}
