import type { Tensor } from "@tensorflow/tfjs-core";
import type { BlobRef, Dataset } from "../src/data/dataset.ts";
import { randomStream } from "../src/data/random.ts";
import { buildNetwork } from "../src/model/network.ts";
import { type HostTensor, parseSafetensors, writeSafetensors } from "../src/model/safetensors.ts";
import { makePlan, type Plan } from "../src/plan/plan.ts";
import type { Outcome } from "../src/runner/outcome.ts";
import type { Host, RunEvent } from "../src/runner/runner.ts";
import { sha256 } from "../src/spec/hash.ts";
import type { SpecInput } from "../src/spec/schema.ts";
import { train } from "../src/train/train.ts";
import { calibratedWeights } from "./calibrated-weights.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { specWith } from "./spec-example.ts";

const SIDE = 32;
const CLASSES = ["dark", "light", "striped"];

/** Images that can be told apart: dark, light, striped, each with noise. */
function drawImages(count: number): { pixels: Uint8Array; labels: number[] } {
  const random = randomStream(8, "images");
  const labels = Array.from({ length: count }, (_, index) => index % 3);
  const pixels = new Uint8Array(count * SIDE * SIDE * 3);
  for (const [image, label] of labels.entries()) {
    for (let offset = 0; offset < SIDE * SIDE * 3; offset += 1) {
      const column = Math.floor(offset / 3) % SIDE;
      const level = label === 2 ? ((column >> 2) % 2) * 150 : label * 150;
      pixels[image * SIDE * SIDE * 3 + offset] = level + random.below(100);
    }
  }
  return { pixels, labels };
}

/** Bytes in memory, by reference. */
interface StoredBlob {
  readonly ref: BlobRef;
  readonly bytes: Uint8Array;
}

async function store(bytes: Uint8Array): Promise<StoredBlob> {
  return { ref: { sha256: await sha256(bytes), bytes: bytes.byteLength }, bytes };
}

const { base, head, layers } = buildNetwork(
  specWith({ model: { alpha: 0.35, imageSize: SIDE } }).model,
  CLASSES.length,
);

/** Made once: drawing 400,000 weights costs more than a step. */
const usual = (async () => {
  const images = Float32Array.from(drawImages(9).pixels, (pixel) => pixel / 127.5 - 1);
  const weights = await calibratedWeights({ base: base.layers, head, layers }, images, 9);
  return { weights, blob: await store(writeSafetensors(weights)) };
})();

/** What a run needs, all of it in memory. */
export interface TinyRun {
  readonly plan: Plan;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** Weights that the run starts from, unless they are fresh. */
  readonly initial: ReadonlyMap<string, HostTensor>;
  /** uint8 pixels of all images. */
  readonly pixels: Uint8Array;
}

/** How a run differs from the usual one. */
export interface TinyRunOptions {
  readonly images?: number;
  /** Starts from the seed's own weights instead of random ones. */
  readonly fresh?: boolean;
  /** Changes the weights before they are written, to plant faults. */
  readonly spoil?: (weights: Map<string, HostTensor>) => void;
}

/**
 * Plans a run of MobileNetV2 0.35 at 32 px on 9 images, 6 of them to train on in batches of 4; the head alone trains,
 * and in order, unless the fields say otherwise. Its weights are random, its moving statistics those of the images.
 */
export async function tinyRun(fields: Partial<SpecInput>, options: TinyRunOptions = {}): Promise<TinyRun> {
  const spec = specWith({
    data: { kind: "tensors", file: "images.safetensors", classes: CLASSES },
    split: { validation: 0.25, by: "last" },
    freeze: 155,
    shuffle: false,
    batchSize: 4,
    record: "steps",
    ...fields,
    model: { alpha: 0.35, imageSize: SIDE, ...fields.model },
  });
  const count = options.images ?? 9;
  const { pixels, labels } = drawImages(count);
  const shard = await store(pixels);
  const ids = labels.map((_, index) => `image-${index}`);
  const dataset: Dataset = {
    source: "the test",
    classes: CLASSES,
    imageShape: [SIDE, SIDE, 3],
    shards: [{ ...shard.ref, count }],
    labels,
    ids,
    hashes: ids,
    decoding: {},
  };
  const { weights: usualWeights, blob: usualBlob } = await usual;
  const initial = new Map([...usualWeights].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]));
  options.spoil?.(initial);
  const weights = options.spoil === undefined ? usualBlob : await store(writeSafetensors(initial));
  const ref = options.fresh === true ? { blob: null, source: "fresh" } : { blob: weights.ref, source: "random" };
  const plan = await makePlan({ spec, weights: ref, headWeights: null, dataset, warnings: [] });
  return {
    plan,
    blobs: new Map([shard, weights].map(({ ref: { sha256: hash }, bytes }) => [hash, bytes])),
    initial,
    pixels,
  };
}

/** Everything that a run said, with its final weights. */
export interface TinyResult {
  readonly events: readonly RunEvent[];
  readonly outcome: Outcome;
  readonly weights: ReadonlyMap<string, HostTensor>;
}

/** Runs a plan on tfjs's cpu backend, an event at a time. */
export async function* runEvents(
  { plan, blobs }: TinyRun,
  host: Partial<Host<Tensor>> = {},
): AsyncGenerator<RunEvent, void> {
  const machine: Host<Tensor> = {
    kernels: await cpuKernels(),
    environment: {
      runner: "test",
      engine: "tfjs cpu",
      device: { kind: "cpu", name: "JavaScript", software: false },
      settings: {},
      versions: {},
      platform: { os: "any", arch: "any", cores: 1, memoryBytes: 0 },
    },
    now: () => performance.now(),
    synchronize: async () => undefined,
    peakRssBytes: () => null,
    readBlob: async (ref) => {
      const bytes = blobs.get(ref.sha256);
      if (bytes === undefined) throw new Error(`There is no blob ${ref.sha256}.`);
      return bytes;
    },
    ...host,
  };
  yield* train(plan, machine);
}

/** Runs a plan to its end, and checks that no tensor is left. */
export async function complete(run: TinyRun, host: Partial<Host<Tensor>> = {}): Promise<TinyResult> {
  const { memory } = await cpuKernels();
  const before = memory().tensors;
  const events: RunEvent[] = [];
  let bytes = new Uint8Array();
  const writeWeights = async (written: Uint8Array): Promise<string> => {
    bytes = Uint8Array.from(written);
    return "final.safetensors";
  };
  for await (const event of runEvents(run, { writeWeights, ...host })) events.push(event);
  if (memory().tensors !== before) throw new Error(`${memory().tensors - before} tensors are left.`);
  const last = events.at(-1);
  if (last?.type !== "end") throw new Error("The run has no end.");
  return { events, outcome: last.outcome, weights: parseSafetensors(bytes, "final.safetensors") };
}

/** An outcome without what no two runs share: times and memory. */
export function lasting({ timing: _timing, memory: _memory, epochs, ...outcome }: Outcome): unknown {
  return {
    ...outcome,
    epochs: epochs.map(
      ({ trainMs: _train, evaluateMs: _evaluate, imagesPerSecond: _rate, parts: _parts, ...epoch }) => epoch,
    ),
  };
}

/** Names of weights whose bytes are others than before. */
export function movedNames(before: ReadonlyMap<string, HostTensor>, after: ReadonlyMap<string, HostTensor>): string[] {
  const bits = (tensor: HostTensor | undefined): string =>
    tensor === undefined
      ? "none"
      : Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).toString("base64");
  return [...before.keys()].filter((name) => bits(before.get(name)) !== bits(after.get(name)));
}
