import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import type { LayerOp } from "../model/layer.ts";

/**
 * The mask of a dropout layer on the device, already divided by the keep rate.
 * @param draw draws a mask of a shape
 * @returns a factor for each value of x; with `perImage` one for each channel, `[batch, 1, 1, channels]`, the same in an image
 */
export function dropoutTensor<T extends DeviceTensor>(
  kernels: Kernels<T>,
  { shape }: T,
  { perImage }: Extract<LayerOp, { type: "Dropout" }>,
  draw: (shape: readonly number[]) => Float32Array,
): T {
  if (perImage === undefined) return kernels.upload(draw(shape), shape);
  const [batch = 0, channels = 0] = [shape[0], shape.at(-1)];
  const factors = draw([batch]);
  const mask = Float32Array.from(
    { length: batch * channels },
    (_, index) => factors[Math.floor(index / channels)] ?? 0,
  );
  return kernels.upload(mask, [batch, 1, 1, channels]);
}
