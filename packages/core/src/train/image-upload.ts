import { scalePixels } from "../data/images.ts";
import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import { sizeOf } from "../model/layer.ts";

/**
 * Hands images to the device as the network's input, -1…1: scaled there where the kernel set can.
 * @param pixels uint8 of that shape, 0…255
 * @param shape [batch, height, width, 3]
 * @param space gives an array of that size to scale in, if one is needed
 */
export function uploadImages<T extends DeviceTensor>(
  kernels: Kernels<T>,
  pixels: Uint8Array,
  shape: readonly number[],
  space: (size: number) => Float32Array = (size) => new Float32Array(size),
): T {
  if (kernels.uploadPixels !== undefined) return kernels.uploadPixels(pixels, shape);
  return kernels.upload(scalePixels(pixels, space(sizeOf(shape))), shape);
}
