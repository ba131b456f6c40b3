import type { Tensor } from "@tensorflow/tfjs-core";
import type { Padding } from "../model/layer.ts";
import type { Kernels } from "./kernels.ts";
import type { Tfjs } from "./tfjs-kernels.ts";

/** `[batch, height, width, channels]` of an image with zeros around it. */
export function paddedShape(shape: readonly number[], [rows, columns]: Padding): [number, number, number, number] {
  const [batch = 0, height = 0, width = 0, channels = 0] = shape;
  return [batch, height + rows[0] + rows[1], width + columns[0] + columns[1], channels];
}

/** Zero padding and its inverse on any tfjs backend. */
export function paddingKernels(tf: Tfjs): Pick<Kernels<Tensor>, "zeroPad" | "zeroPadGradient"> {
  return {
    zeroPad: (x, [rows, columns]) => tf.pad(x, [[0, 0], [...rows], [...columns], [0, 0]]),
    zeroPadGradient(dy, [rows, columns]) {
      const [batch = 0, height = 0, width = 0, channels = 0] = dy.shape;
      const size = [batch, height - rows[0] - rows[1], width - columns[0] - columns[1], channels];
      return tf.slice(dy, [0, rows[0], columns[0], 0], size);
    },
  };
}
