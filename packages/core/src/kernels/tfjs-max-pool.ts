import type { Tensor, Tensor4D } from "@tensorflow/tfjs-core";
import { ThawError } from "../error.ts";
import type { Kernels, Window } from "./kernels.ts";
import { nativeWindow } from "./tfjs-convolution.ts";
import type { Tfjs } from "./tfjs-kernels.ts";
import { paddedShape, paddingKernels } from "./tfjs-padding.ts";
import { tapOperations } from "./tfjs-taps.ts";

/** Below every value but infinity. */
const LOWEST = -3.4028234663852886e38;

/**
 * Max pooling on any tfjs backend. Its gradient is composed: tfjs's own MaxPoolGrad takes another of several equal
 * values on webgpu than elsewhere (tfjs 4.22).
 */
export function maxPoolKernels(tf: Tfjs): Pick<Kernels<Tensor>, "maxPool" | "maxPoolGradient"> {
  const { taps, dilate, padOrCut } = tapOperations(tf);
  const { zeroPadGradient } = paddingKernels(tf);

  function padOf(x: Tensor, poolSize: readonly [number, number], window: Window): "same" | "valid" {
    const { pad, explicit } = nativeWindow(x.shape, poolSize, window);
    if (explicit !== undefined) throw new ThawError("internal", "Max pooling pads as `same` or not at all.");
    return pad;
  }

  return {
    maxPool: (x, poolSize, window) =>
      tf.maxPool(x as Tensor4D, [...poolSize], window.strides, padOf(x, poolSize, window)),
    maxPoolGradient: (dy, x, y, poolSize, { strides, padding }) =>
      tf.tidy(() => {
        const [rows, columns] = padding;
        const padded = tf.pad(x, [[0, 0], [...rows], [...columns], [0, 0]], LOWEST);
        const [, paddedHeight, paddedWidth] = paddedShape(x.shape, padding);
        let open = tf.cast(tf.equal(y, y), "float32"); // 1 where no value of the window has been the largest so far
        let dx: Tensor | undefined;
        for (const [index, tap] of taps(padded, y.shape, poolSize, strides).entries()) {
          const chosen = tf.mul(open, tf.cast(tf.equal(tap, y), "float32"));
          open = tf.sub(open, chosen);
          const dilated = dilate(dilate(tf.mul(dy, chosen), 2, strides), 1, strides);
          const [row, column] = [Math.floor(index / poolSize[1]), index % poolSize[1]];
          const [, height = 0, width = 0] = dilated.shape;
          const placed = padOrCut(dilated, [
            [row, paddedHeight - row - height],
            [column, paddedWidth - column - width],
          ]);
          dx = dx === undefined ? placed : tf.add(dx, placed);
        }
        if (dx === undefined) throw new ThawError("internal", "A window of max pooling has no pixel.");
        return zeroPadGradient(dx, padding);
      }),
  };
}
