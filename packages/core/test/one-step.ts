import { expect } from "vitest";
import { type BatchNormPolicy, resolveFreeze } from "../src/freeze/policy.ts";
import type { DeviceTensor, Kernels } from "../src/kernels/kernels.ts";
import type { HostTensor } from "../src/model/safetensors.ts";
import { planPass } from "../src/plan/pass.ts";
import type { FreezePolicy } from "../src/spec/schema.ts";
import type { Activations } from "../src/train/activations.ts";
import { backward } from "../src/train/backward.ts";
import { type DropoutMask, type ForwardMode, forward, type PassContext } from "../src/train/forward.ts";
import { Variables } from "../src/train/variables.ts";
import type { TinyNetwork } from "./tiny-network.ts";

export const KERAS: BatchNormPolicy = { frozenBatchNorm: "inference", batchNorm: "keras" };

/** Numbers by weight name. */
export type NamedNumbers = Readonly<Record<string, readonly number[]>>;

/** A batch of images, float32 `[batch, height, width, 3]`, with their classes. */
export interface StepBatch {
  readonly images: Float32Array;
  readonly labels: Int32Array;
}

/** Uploads weights and plans a pass. */
export function contextOf<T extends DeviceTensor>(
  kernels: Kernels<T>,
  network: TinyNetwork,
  weights: ReadonlyMap<string, HostTensor>,
  freeze: FreezePolicy,
  policy: BatchNormPolicy = KERAS,
): PassContext<T> {
  const steps = planPass(network.layers, resolveFreeze(freeze, network.base, network.head, policy));
  return { kernels, steps, variables: new Variables(kernels, network.layers, weights) };
}

export const keepAll: DropoutMask = (_name, _rate, shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1);
export const TRAINING = { training: true, updates: true, dropoutMask: keepAll } as const;

/** Runs all layers over a batch. */
export function forwardAll<T extends DeviceTensor>(
  context: PassContext<T>,
  batch: StepBatch,
  mode: ForwardMode,
): Activations<T> {
  const [shape = []] = context.steps.map((step) => step.layer.outputShape);
  const images = context.kernels.upload(batch.images, [batch.labels.length, ...shape]);
  return forward(context, { from: 0, to: context.steps.length }, new Map([[0, images]]), mode);
}

/** Loss and logits of a forward pass, and the gradient of the loss by the logits; frees what it takes. */
async function lossOf<T extends DeviceTensor>(
  { kernels, steps }: PassContext<T>,
  activations: Activations<T>,
  batch: StepBatch,
  read: (tensor: T) => Promise<ArrayLike<number>>,
): Promise<{ loss: number; logits: readonly number[]; dLogits: T }> {
  const logits = activations.take(steps.length - 1);
  const labels = kernels.uploadLabels(batch.labels);
  const { probabilities, losses } = kernels.softmaxCrossEntropy(logits, labels);
  const values = Array.from(await read(losses));
  const dLogits = kernels.softmaxCrossEntropyGradient(probabilities, labels);
  const result = { loss: values.reduce((a, b) => a + b, 0) / values.length, logits: Array.from(await read(logits)) };
  for (const tensor of [logits, labels, probabilities, losses]) kernels.dispose(tensor);
  return { ...result, dLogits };
}

/** A training pass forward and backward; the gradients are the caller's. */
export async function trainingPass<T extends DeviceTensor>(
  context: PassContext<T>,
  batch: StepBatch,
  mode: ForwardMode,
  read: (tensor: T) => Promise<ArrayLike<number>>,
): Promise<{ loss: number; logits: readonly number[]; gradients: Map<string, T> }> {
  const activations = forwardAll(context, batch, mode);
  const { dLogits, ...result } = await lossOf(context, activations, batch, read);
  const gradients = backward(context, activations, dLogits);
  activations.dispose();
  return { ...result, gradients };
}

/** Loss in inference mode. */
export async function inferenceLoss<T extends DeviceTensor>(
  context: PassContext<T>,
  batch: StepBatch,
  read: (tensor: T) => Promise<ArrayLike<number>>,
): Promise<number> {
  const activations = forwardAll(context, batch, { training: false });
  const { loss, dLogits } = await lossOf(context, activations, batch, read);
  context.kernels.dispose(dLogits);
  return loss;
}

/** Reads tensors by name. */
export async function readAll<T extends DeviceTensor>(
  tensors: Iterable<readonly [string, T]>,
  read: (tensor: T) => Promise<ArrayLike<number>>,
): Promise<NamedNumbers> {
  const values: Record<string, readonly number[]> = {};
  for (const [name, tensor] of tensors) values[name] = Array.from(await read(tensor));
  return values;
}

/** ‖found - expected‖ / ‖expected‖ */
export function relativeL2(found: readonly number[], expected: readonly number[]): number {
  expect(found).toHaveLength(expected.length);
  const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return norm(found.map((value, index) => value - (expected[index] ?? Number.NaN))) / norm(expected);
}
