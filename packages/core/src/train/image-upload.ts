import { preprocessPixels } from "../data/preprocessing.ts";
import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import { type Preprocessing, sizeOf } from "../model/layer.ts";

/**
 * Hands images to the device as the network's input: scaled there where the kernel set can.
 * @param preprocessing the network's own, of its layer table
 * @param pixels uint8 of that shape, 0…255
 * @param shape [batch, height, width, 3]
 * @param space gives an array of that size to scale in, if one is needed
 */
export function uploadImages<T extends DeviceTensor>(
  kernels: Kernels<T>,
  preprocessing: Preprocessing,
  pixels: Uint8Array,
  shape: readonly number[],
  space: (size: number) => Float32Array = (size) => new Float32Array(size),
): T {
  if (preprocessing === "tf" && kernels.uploadPixels !== undefined) return kernels.uploadPixels(pixels, shape);
  return kernels.upload(preprocessPixels(preprocessing, pixels, space(sizeOf(shape))), shape);
}
