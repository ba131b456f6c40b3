import type { DeviceTensor } from "../kernels/kernels.ts";
import { crossingAt, type PassStep } from "../plan/pass.ts";
import { type ForwardMode, forward, type PassContext } from "./forward.ts";

/**
 * Runs a network one layer at a time and shows each output before it goes on.
 * @param images the batch; taken over
 * @yields a layer's step and its output, which the walk frees; undefined where nothing above uses it
 */
export async function* walkLayers<T extends DeviceTensor>(
  context: PassContext<T>,
  images: T,
  mode: ForwardMode,
): AsyncGenerator<{ readonly step: PassStep; readonly output: T | undefined }> {
  const { kernels, steps } = context;
  let live = new Map<number, T>([[0, images]]);
  try {
    for (const [index, step] of steps.entries()) {
      const activations = forward(context, { from: index, to: index + 1 }, live, mode);
      live = new Map([...crossingAt(steps, index + 1)].map((input) => [input, activations.take(input)]));
      yield { step, output: live.get(index) };
    }
  } finally {
    for (const tensor of live.values()) kernels.dispose(tensor);
  }
}
