import { readFileSync } from "node:fs";
import {
  ARCHITECTURES,
  backward,
  buildNetwork,
  type DeviceTensor,
  forward,
  GRADIENT_TOLERANCE,
  type HostTensor,
  type Kernels,
  KINK_TOLERANCE,
  type PassContext,
  parseSpec,
  planPass,
  preprocessPixels,
  randomStream,
  resolveFreeze,
  sizeOf,
  Variables,
} from "@thaw/core";

const FOLDER = new URL("../test/golden/architectures/", import.meta.url);
const [SEED, BATCH, CLASSES, SAMPLES] = [7, 4, 3, 24];

/** A name of a golden file. */
export type GoldenName = Exclude<keyof typeof ARCHITECTURES, "MobileNetV2">;

/** What a golden file keeps of a tensor: its length and some of its values, evenly spread. */
export interface Sampled {
  readonly norm: number;
  readonly values: readonly number[];
}

/** One training step in float64, by scripts/make_architecture_goldens.py. */
export interface GoldenStep {
  /** Tensors that get a gradient. */
  readonly trained: number;
  readonly logits: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Sampled>>;
  /** Moving statistics behind the step. */
  readonly moving: Readonly<Record<string, Sampled>>;
}

/** A step with what Keras makes of it in float32. */
interface KerasStep extends GoldenStep {
  readonly float32: Pick<GoldenStep, "loss" | "gradients">;
}

interface GoldenFile {
  readonly imageSize: number;
  readonly steps: Readonly<Record<string, KerasStep>>;
}

/** Keras's numbers for a network. */
function goldenFile(name: GoldenName): GoldenFile {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));
}

/** Networks and freeze depths that there are golden steps of. */
export const GOLDEN_CASES: readonly (readonly [name: GoldenName, depth: number])[] = (
  ["MobileNet", "ResNet50", "MobileNetV3Small", "EfficientNetB0"] as const
).flatMap((name) => Object.keys(goldenFile(name).steps).map((depth) => [name, Number(depth)] as const));

/** A golden step. */
export function goldenOf(name: GoldenName, depth: number): KerasStep {
  const step = goldenFile(name).steps[depth];
  if (step === undefined) throw new Error(`There is no golden step of ${name} at depth ${depth}.`);
  return step;
}

const MISSING: Sampled = { norm: Number.NaN, values: [] };

/** A weight by its name, as `golden_weight` of the script has it. */
export function goldenWeight(name: string, shape: readonly number[]): HostTensor {
  const kind = name.slice(name.lastIndexOf("/") + 1);
  const random = randomStream(SEED, `golden/${name}`);
  const isDepthwise = shape.length === 4 && shape[3] === 1;
  const limit = Math.sqrt(6 / sizeOf(isDepthwise ? shape.slice(0, 2) : shape.slice(0, -1)));
  const value = (uniform: number): number => {
    if (kind === "kernel") return (uniform * 2 - 1) * limit;
    return ["gamma", "moving_variance", "variance"].includes(kind) ? 0.5 + uniform / 2 : (uniform * 2 - 1) / 10;
  };
  const data = Float32Array.from({ length: sizeOf(shape) }, () => value(random.uniform()));
  return { dtype: "float32", shape, data };
}

function sampled(values: ArrayLike<number>): Sampled {
  const flat = Array.from(values);
  const count = Math.min(SAMPLES, flat.length);
  const at = (index: number): number => flat[Math.floor((index * flat.length) / count)] ?? Number.NaN;
  const norm = Math.sqrt(flat.reduce((sum, value) => sum + value * value, 0));
  return { norm, values: Array.from({ length: count }, (_, index) => at(index)) };
}

/** A network with the golden weights, planned and uploaded. */
function contextOf<T extends DeviceTensor>(
  kernels: Kernels<T>,
  name: GoldenName,
  imageSize: number,
  depth: number,
): PassContext<T> {
  const model = { architecture: name, imageSize, weights: "random" };
  const data = { kind: "builtin", name: "fashion-shoes" };
  const spec = parseSpec({
    version: 1,
    name: "golden",
    model,
    data,
    freeze: depth,
    optimizer: { name: "adam", learningRate: 1 },
  });
  const { base, head, layers } = buildNetwork(spec.model, CLASSES);
  const steps = planPass(layers, resolveFreeze(depth, base.layers, head, spec));
  const weights = layers.flatMap((layer) =>
    layer.weights.map(({ name: weight, shape }) => {
      const whole = `${layer.name}/${weight}`;
      return [whole, goldenWeight(whole, shape)] as const;
    }),
  );
  return { kernels, steps, variables: new Variables(kernels, layers, new Map(weights)) };
}

function goldenImages(name: GoldenName, imageSize: number): Float32Array {
  const random = randomStream(SEED, "golden/images");
  const pixels = Uint8Array.from({ length: BATCH * imageSize ** 2 * 3 }, () => random.nextUint32() % 256);
  const { preprocessing } = ARCHITECTURES[name].build({ alpha: 1, imageSize });
  return preprocessPixels(preprocessing, pixels, new Float32Array(pixels.length));
}

function dropoutMask(layer: string, rate: number, shape: readonly number[]): Float32Array {
  const random = randomStream(SEED, `dropout/${layer}/1`);
  return Float32Array.from({ length: sizeOf(shape) }, () => (random.uniform() < rate ? 0 : 1 / (1 - rate)));
}

/**
 * The golden step on a kernel set.
 * @param read reads a tensor in the precision that it has
 */
export async function goldenStep<T extends DeviceTensor>(
  kernels: Kernels<T>,
  name: GoldenName,
  depth: number,
  read: (tensor: T) => Promise<ArrayLike<number>> = (tensor) => kernels.download(tensor),
): Promise<GoldenStep> {
  const [{ imageSize }, expected] = [goldenFile(name), goldenOf(name, depth)];
  const context = contextOf(kernels, name, imageSize, depth);
  const { steps, variables } = context;
  const images = kernels.upload(goldenImages(name, imageSize), [BATCH, imageSize, imageSize, 3]);
  const mode = { training: true, updates: true, dropoutMask } as const;
  const activations = forward(context, { from: 0, to: steps.length }, new Map([[0, images]]), mode);
  const logits = activations.take(steps.length - 1);
  const labels = kernels.uploadLabels(Int32Array.from({ length: BATCH }, (_, index) => index % CLASSES));
  const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labels);
  const gradients = backward(context, activations, kernels.softmaxCrossEntropyGradient(probabilities, labels));
  activations.dispose();

  async function sampledOf(
    names: readonly string[],
    of: (weight: string) => T | undefined,
  ): Promise<Record<string, Sampled>> {
    const found: Record<string, Sampled> = {};
    for (const weight of names) {
      const tensor = of(weight);
      found[weight] = tensor === undefined ? MISSING : sampled(await read(tensor));
    }
    return found;
  }

  const lossValues = Array.from(await read(losses));
  const result = {
    trained: gradients.size,
    logits: Array.from(await read(logits)),
    loss: lossValues.reduce((sum, value) => sum + value, 0) / BATCH,
    gradients: await sampledOf(Object.keys(expected.gradients), (weight) => gradients.get(weight)),
    moving: await sampledOf(Object.keys(expected.moving), (weight) => variables.get(weight)),
  };
  for (const tensor of [logits, labels, probabilities, losses, ...gradients.values()]) kernels.dispose(tensor);
  variables.dispose();
  return result;
}

/** Relative error of a sampled tensor: of its values by their length, or of its norm, whichever is larger. */
function errorOf(found: Sampled, expected: Sampled, floor: number): number {
  const difference = Math.hypot(...expected.values.map((value, index) => value - (found.values[index] ?? Number.NaN)));
  const ofValues = difference / Math.max(Math.hypot(...expected.values), floor);
  const ofNorm = Math.abs(found.norm - expected.norm) / Math.max(expected.norm, floor);
  return Math.max(ofValues, ofNorm);
}

/**
 * What a float32 gradient may be off by: random weights put values near kinks, where rounding decides on which side
 * they fall, and a small batch amplifies rounding; Keras's own float32 shows by how much.
 */
export function gradientBound(expected: KerasStep): number {
  const { gradients } = expected.float32;
  const { error } = goldenErrors({ ...expected, gradients }, expected, GRADIENT_TOLERANCE.floor).gradient;
  return Math.max(KINK_TOLERANCE.gradient, GRADIENT_TOLERANCE.multiple * error);
}

/** Worst errors of a golden step, relative. */
export interface GoldenErrors {
  readonly loss: number;
  readonly logits: number;
  readonly gradient: { readonly error: number; readonly name: string };
  readonly moving: { readonly error: number; readonly name: string };
}

/**
 * Compares a step with Keras's.
 * @param floor norm below which a gradient counts as zero
 */
export function goldenErrors(found: GoldenStep, expected: GoldenStep, floor: number): GoldenErrors {
  const worst = (part: "gradients" | "moving", least: number): { error: number; name: string } =>
    Object.entries(expected[part]).reduce(
      (most, [name, golden]) => {
        const error = errorOf(found[part][name] ?? MISSING, golden, least);
        return error > most.error || Number.isNaN(error) ? { error, name } : most;
      },
      { error: 0, name: "" },
    );
  const vector = (values: readonly number[]): Sampled => ({ norm: Math.hypot(...values), values });
  return {
    loss: Math.abs(found.loss - expected.loss) / expected.loss,
    logits: errorOf(vector(found.logits), vector(expected.logits), 0),
    gradient: worst("gradients", floor),
    moving: worst("moving", 0),
  };
}
