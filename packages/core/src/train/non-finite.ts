import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import type { NamedTensors } from "../model/safetensors.ts";
import type { ForwardMode, PassContext } from "./forward.ts";
import { walkLayers } from "./layer-walk.ts";
import type { Variables } from "./variables.ts";

function hasNonFinite(values: Float32Array): boolean {
  return values.some((value) => !Number.isFinite(value));
}

/** All ones: where something is not finite, dropping out would only hide it. */
const KEEP_ALL = {
  training: true,
  updates: false,
  dropoutMask: (_name: string, _rate: number, shape: readonly number[]) =>
    new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
} as const;

/**
 * Walks the network one layer at a time and names the first layer whose weights or output are not finite.
 * @param images the batch to look at; taken over
 */
async function firstNonFinite<T extends DeviceTensor>(
  context: PassContext<T>,
  images: T,
  mode: ForwardMode,
): Promise<string> {
  const { kernels, variables } = context;
  for await (const { step, output } of walkLayers(context, images, mode)) {
    const { layer, batchNormMode } = step;
    for (const weight of layer.weights) {
      // On batch statistics the moving ones come out of this very step: a consequence, no cause.
      if (!weight.trainable && mode.training && batchNormMode === "batch-stats") continue;
      const values = await kernels.download(variables.get(`${layer.name}/${weight.name}`));
      if (hasNonFinite(values)) return `the weights "${layer.name}/${weight.name}"`;
    }
    if (output !== undefined && hasNonFinite(await kernels.download(output))) {
      return `the output of layer "${layer.name}"`;
    }
  }
  return "the loss itself";
}

const HINT = "Lower the learning rate, or check the weights and images.";

/**
 * Makes the error for a training loss that is NaN or infinite.
 * @param images the batch that gave it; taken over
 */
export async function nonFiniteLoss<T extends DeviceTensor>(
  context: PassContext<T>,
  images: T,
  at: { readonly epoch: number; readonly step: number; readonly loss: number },
): Promise<ThawError> {
  const where = await firstNonFinite(context, images, KEEP_ALL);
  return new ThawError(
    "non-finite",
    `Training stopped at epoch ${at.epoch}, step ${at.step}: the loss is ${at.loss}, and the first thing that is not finite is ${where}.`,
    { hint: HINT, details: { ...at, loss: String(at.loss), where } },
  );
}

/**
 * Makes the error for a loss in inference mode that is NaN or infinite: the last update spoilt the weights, or the
 * moving statistics overflowed.
 * @param images the batch that gave it; taken over
 */
export async function nonFiniteEvaluation<T extends DeviceTensor>(
  context: PassContext<T>,
  images: T,
): Promise<ThawError> {
  const where = await firstNonFinite(context, images, { training: false });
  return new ThawError(
    "non-finite",
    `Evaluation stopped: the loss is not finite, and the first thing that is not finite is ${where}.`,
    { hint: HINT, details: { where } },
  );
}

function nonFiniteWeights(values: NamedTensors): string | undefined {
  for (const [name, { data }] of values) if (data instanceof Float32Array && hasNonFinite(data)) return name;
  return undefined;
}

/**
 * Looks at the weights that a run is given. Not left to the loss: some backends' ReLU6 makes a 0 of a NaN.
 * @param what did not start, for the message
 * @throws ThawError `non-finite`
 */
export function checkStartingWeights(values: NamedTensors, what: "Training" | "Prediction" = "Training"): void {
  const name = nonFiniteWeights(values);
  if (name === undefined) return;
  const where = `the weights "${name}"`;
  throw new ThawError("non-finite", `${what} did not start: ${where} that it was given are not finite.`, {
    hint: "Use a sound weight file.",
    details: { where },
  });
}

/**
 * Looks at all weights after an epoch, for the same reason.
 * @throws ThawError `non-finite`
 */
export async function checkWeights<T extends DeviceTensor>(variables: Variables<T>, epoch: number): Promise<void> {
  const name = nonFiniteWeights(await variables.download());
  if (name === undefined) return;
  const where = `the weights "${name}"`;
  throw new ThawError("non-finite", `Training stopped after epoch ${epoch}: ${where} are not finite any more.`, {
    hint: HINT,
    details: { epoch, where },
  });
}
