import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore, preparePlan } from "@thaw/assets";
import {
  backward,
  type DeviceTensor,
  forward,
  GRADIENT_TOLERANCE,
  type Host,
  type Kernels,
  loadImages,
  networkOf,
  type Outcome,
  type Plan,
  parseSafetensors,
  parseSpec,
  passOf,
  startingWeights,
  ThawError,
  train,
  Variables,
  walkLayers,
} from "@thaw/core";
import type { GoldenFile } from "./golden-file.ts";

/** Worst errors of one depth against Keras float64. */
export interface GoldenRow {
  readonly depth: number;
  readonly trainable: Outcome["trainable"];
  /** Relative error of each step's loss. */
  readonly lossErrors: readonly number[];
  /** Largest relative L2 error of a gradient, and whose. */
  readonly gradient: { readonly error: number; readonly name: string; readonly tensors: number };
  /** Largest norm among gradients that are zero in exact arithmetic. */
  readonly zeroGradientNorm: number;
  /** Largest absolute error of a probability after the last step. */
  readonly probabilityError: number;
  /** Largest relative error of a sum over channels of a BN's moving mean or variance. */
  readonly statisticsError: number;
  /** Largest relative error of a layer's root mean square on the first batch. */
  readonly activation: { readonly error: number; readonly layer: string };
  readonly frozen: Outcome["digests"]["frozen"];
}

const SPEC = fileURLToPath(new URL("../specs/golden.json", import.meta.url));

/** The golden case at one freeze depth, ready to run. */
export async function goldenPlan(depth: number): Promise<{ plan: Plan; storeDir: string }> {
  const document = JSON.parse(await readFile(SPEC, "utf8")) as object;
  const spec = parseSpec({ ...document, freeze: depth }, { where: SPEC });
  return await preparePlan(spec, { baseDir: join(SPEC, "..") });
}

function l2(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  return Float64Array.from(a, (value, index) => value - (b[index] ?? Number.NaN));
}

function worst<T extends { readonly error: number }>(items: readonly T[], none: T): T {
  return items.reduce((most, item) => (item.error > most.error || Number.isNaN(item.error) ? item : most), none);
}

/** Gradients and layer outputs of the first batch, before any update. */
async function firstStep<T extends DeviceTensor>(
  plan: Plan,
  host: Host<T>,
): Promise<{ gradients: Map<string, Float32Array>; rms: number[] }> {
  const { kernels } = host;
  const phase = plan.phases[0];
  if (phase === undefined) throw new ThawError("internal", "The plan has no phase.");
  const variables = new Variables(kernels, networkOf(plan).layers, await startingWeights(plan, host));
  const context = { kernels, steps: passOf(plan, phase), variables };
  const images = await loadImages(plan.dataset, "tf", host.readBlob);
  const indices = plan.splits.train.slice(0, plan.spec.batchSize);
  const upload = (): T => kernels.upload(images.batch(indices), [indices.length, ...images.imageShape]);
  const dropoutMask = (): Float32Array => new Float32Array();
  const last = context.steps.length - 1;

  const rms: number[] = [];
  const look = { training: true, updates: false, dropoutMask } as const;
  for await (const { output: tensor } of walkLayers(context, upload(), look)) {
    const output = await kernels.download(tensor as T); // every layer of this network is used
    rms.push(l2(output) / Math.sqrt(output.length));
  }

  const mode = { training: true, updates: true, dropoutMask } as const;
  const activations = forward(context, { from: 0, to: last + 1 }, new Map([[0, upload()]]), mode);
  const logits = activations.take(last);
  const labels = kernels.uploadLabels(Int32Array.from(indices, (index) => plan.dataset.labels[index] ?? 0));
  const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labels);
  const tensors = backward(context, activations, kernels.softmaxCrossEntropyGradient(probabilities, labels));
  const gradients = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors) gradients.set(name, await kernels.download(tensor));
  for (const tensor of [logits, labels, probabilities, losses, ...tensors.values()]) kernels.dispose(tensor);
  variables.dispose();
  return { gradients, rms };
}

/** Runs the whole case; returns what it gave, and the probabilities of the first batch under the final weights. */
async function wholeRun<T extends DeviceTensor>(
  plan: Plan,
  host: Host<T>,
): Promise<{ outcome: Outcome; weights: ReadonlyMap<string, Float32Array>; probabilities: Float32Array }> {
  const { kernels } = host;
  let bytes = new Uint8Array();
  let outcome: Outcome | undefined;
  const keep = async (file: Uint8Array): Promise<string> => {
    bytes = Uint8Array.from(file);
    return "memory";
  };
  for await (const event of train(plan, { ...host, writeWeights: keep }))
    if (event.type === "end") outcome = event.outcome;
  const phase = plan.phases[0];
  if (outcome === undefined || phase === undefined) throw new ThawError("internal", "The run gave no outcome.");
  const final = parseSafetensors(bytes, "final weights");
  const variables = new Variables(kernels, networkOf(plan).layers, final);
  const images = await loadImages(plan.dataset, "tf", host.readBlob);
  const indices = plan.splits.train.slice(0, plan.spec.batchSize);
  const x = kernels.upload(images.batch(indices), [indices.length, ...images.imageShape]);
  const context = { kernels, steps: passOf(plan, phase), variables };
  const last = context.steps.length - 1;
  const logits = forward(context, { from: 0, to: last + 1 }, new Map([[0, x]]), { training: false }).take(last);
  const labels = kernels.uploadLabels(new Int32Array(indices.length));
  const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labels);
  const values = await kernels.download(probabilities);
  for (const tensor of [logits, labels, probabilities, losses]) kernels.dispose(tensor);
  variables.dispose();
  const weights = new Map([...final].map(([name, tensor]) => [name, tensor.data as Float32Array]));
  return { outcome, weights, probabilities: values };
}

function compareGradients(
  golden: GoldenFile,
  depth: number,
  ours: ReadonlyMap<string, Float32Array>,
): Pick<GoldenRow, "gradient" | "zeroGradientNorm"> {
  const full = golden.gradients(depth);
  let zeroGradientNorm = 0;
  const errors: { error: number; name: string }[] = [];
  for (const [name, norm] of golden.gradientNorms(depth)) {
    const found = ours.get(name) ?? [Number.NaN];
    const reference = full.get(name);
    if (norm < GRADIENT_TOLERANCE.floor) zeroGradientNorm = Math.max(zeroGradientNorm, l2(found));
    else {
      const error =
        reference === undefined ? Math.abs(l2(found) - norm) / norm : l2(difference(found, reference)) / norm;
      errors.push({ error, name });
    }
  }
  return { gradient: { ...worst(errors, { error: 0, name: "" }), tensors: errors.length }, zeroGradientNorm };
}

/** Largest relative error of the sums over channels of moving statistics. */
function compareStatistics(golden: GoldenFile, depth: number, weights: ReadonlyMap<string, Float32Array>): number {
  return Math.max(
    ...["moving_mean", "moving_variance"].flatMap((statistic) => {
      const ours = [...weights].filter(([name]) => name.endsWith(`/${statistic}`)).map(([, values]) => values);
      const reference = golden.values(`d${depth}/float64/${statistic}_sum`);
      return ours.map((values, index) => {
        const sum = values.reduce((total, value) => total + value, 0);
        const scale = values.reduce((total, value) => total + Math.abs(value), 0);
        return Math.abs(sum - (reference[index] ?? Number.NaN)) / scale;
      });
    }),
  );
}

/** Compares one depth of the golden case with Keras float64, on any kernels. */
export async function compareGolden<T extends DeviceTensor>(
  golden: GoldenFile,
  depth: number,
  makeHost: (kernels: Kernels<T>, storeDir: string) => Host<T>,
  kernels: Kernels<T>,
): Promise<GoldenRow> {
  const { plan, storeDir } = await goldenPlan(depth);
  const host = makeHost(kernels, storeDir);
  const { gradients, rms } = await firstStep(plan, host);
  const { outcome, weights, probabilities } = await wholeRun(plan, host);
  const reference = golden.losses(depth);
  const referenceRms = golden.values(`d${depth}/float64/act_rms`);
  const activations = Array.from(referenceRms, (value, index) => ({
    error: Math.abs((rms[index] ?? Number.NaN) - value) / value,
    layer: networkOf(plan).layers[index]?.name ?? "",
  }));
  const probabilityErrors = difference(probabilities, golden.values(`d${depth}/float64/probs_after`));
  return {
    depth,
    trainable: outcome.trainable,
    lossErrors: reference.map((loss, index) => Math.abs((outcome.steps?.[index]?.loss ?? Number.NaN) - loss) / loss),
    ...compareGradients(golden, depth, gradients),
    probabilityError: Math.max(...probabilityErrors.map(Math.abs)),
    statisticsError: compareStatistics(golden, depth, weights),
    activation: worst(activations, { error: 0, layer: "" }),
    frozen: outcome.digests.frozen,
  };
}

/** Reads blobs for a host from the store that the plans are prepared in. */
export function blobReader(storeDir: string): Host["readBlob"] {
  const store = openStore(storeDir);
  return (ref) => store.read(ref);
}
