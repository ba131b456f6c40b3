import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import { forward, type PassContext } from "./forward.ts";

function hasNonFinite(values: Float32Array): boolean {
  return values.some((value) => !Number.isFinite(value));
}

/** Walks the network one layer at a time and names the first layer whose weights or output are not finite. */
async function firstNonFiniteLayer<T extends DeviceTensor>(context: PassContext<T>, images: T): Promise<string> {
  const { kernels, steps, variables } = context;
  let live = new Map<number, T>([[0, images]]);
  const inspect = {
    training: true,
    updates: false,
    dropoutMask: (_name: string, _rate: number, shape: readonly number[]) =>
      new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
  } as const;
  try {
    for (const [index, { layer }] of steps.entries()) {
      for (const weight of layer.weights) {
        const values = await kernels.download(variables.get(`${layer.name}/${weight.name}`));
        if (hasNonFinite(values)) return `the weights "${layer.name}/${weight.name}"`;
      }
      const activations = forward(context, { from: index, to: index + 1 }, live, inspect);
      const crossing = new Set(steps.slice(index + 1).flatMap((step) => step.inputs.filter((input) => input <= index)));
      if (index === steps.length - 1) crossing.add(index);
      live = new Map([...crossing].map((input) => [input, activations.take(input)]));
      const output = live.get(index);
      if (output !== undefined && hasNonFinite(await kernels.download(output)))
        return `the output of layer "${layer.name}"`;
    }
    return "the loss itself";
  } finally {
    for (const tensor of live.values()) kernels.dispose(tensor);
  }
}

/**
 * Makes the error for a loss that is NaN or infinite.
 * @param images the batch that gave it; taken over
 */
export async function nonFiniteLoss<T extends DeviceTensor>(
  context: PassContext<T>,
  images: T,
  at: { readonly epoch: number; readonly step: number; readonly loss: number },
): Promise<ThawError> {
  const where = await firstNonFiniteLayer(context, images);
  return new ThawError(
    "non-finite",
    `Training stopped at epoch ${at.epoch}, step ${at.step}: the loss is ${at.loss}, and the first thing that is not finite is ${where}.`,
    { hint: "Lower the learning rate, or check the weights and images.", details: { ...at, where } },
  );
}
