import type { Tensor } from "@tensorflow/tfjs-core";
import { type Kernels, sizeOf } from "@thaw/core";
import type { CommandStream, Copy } from "./command-stream.ts";
import { ADAM } from "./optimizer-shaders.ts";

/** Copies of tensors to where they lie in a flat vector, or back. */
function copies(tensors: readonly Tensor[], flat: Tensor, direction: "gather" | "scatter"): Copy[] {
  let offset = 0;
  return tensors.map((tensor) => {
    const size = sizeOf(tensor.shape);
    const at = offset;
    offset += size;
    return direction === "gather"
      ? { from: tensor, fromOffset: 0, to: flat, toOffset: at, size }
      : { from: flat, fromOffset: at, to: tensor, toOffset: 0, size };
  });
}

/**
 * Adam in one dispatch over flat vectors: weights and gradients are gathered and weights scattered by copies within
 * the device, which cost next to nothing. Other optimizers go to `plain`.
 */
export function optimizerKernels(
  stream: CommandStream,
  plain: Pick<Kernels<Tensor>, "optimizerStep">,
): Pick<Kernels<Tensor>, "optimizerStep"> {
  return {
    optimizerStep(update, weights, gradients, slots) {
      const [mean, square] = slots;
      if (update.type !== "adam" || mean === undefined || square === undefined) {
        return plain.optimizerStep(update, weights, gradients, slots);
      }
      const size = weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      const [flatWeights, flatGradients] = [stream.output([size]), stream.output([size])];
      stream.copy([...copies(weights, flatWeights, "gather"), ...copies(gradients, flatGradients, "gather")]);
      stream.run(ADAM, {
        tensors: [flatWeights, flatGradients, mean, square],
        params: [size, update.stepSize, 1 - update.beta1, 1 - update.beta2, update.epsilon],
        threads: size,
        volatile: true, // the step size is another in every step
      });
      // In place: the weights' and slots' tensors live on with new content.
      stream.copy(copies(weights, flatWeights, "scatter"));
      for (const tensor of [...weights, mean, square]) stream.changed(tensor);
      for (const tensor of [flatWeights, flatGradients, ...gradients]) tensor.dispose();
      return { weights, slots };
    },
  };
}
