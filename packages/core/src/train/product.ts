import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";

/** Whether a tensor has a factor for each channel of an image of several pixels. */
function isFactorOf<T extends DeviceTensor>({ shape }: T, image: T): boolean {
  return shape.join() !== image.shape.join() && shape.slice(1, -1).every((side) => side === 1);
}

/** Product of equal shapes, or of an image and `[batch, 1, 1, channels]` in any order. */
export function multiply<T extends DeviceTensor>(kernels: Kernels<T>, a: T, b: T): T {
  if (isFactorOf(b, a)) return kernels.scaleChannels(a, b);
  if (isFactorOf(a, b)) return kernels.scaleChannels(b, a);
  return kernels.multiply(a, b);
}

/** Gradient of a {@link multiply} by `a`. */
export function multiplyGradient<T extends DeviceTensor>(kernels: Kernels<T>, dy: T, a: T, b: T): T {
  return isFactorOf(a, b) ? kernels.scaleChannelsGradient(dy, b) : multiply(kernels, dy, b);
}
