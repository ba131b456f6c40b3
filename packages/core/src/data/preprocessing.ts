import type { Preprocessing } from "../model/layer.ts";

const CHANNELS = 3;
/** Of ImageNet's images: blue, green, red. */
const CAFFE_MEANS = [103.939, 116.779, 123.68] as const;

/** What a channel of the input is made of: a channel of the pixel, and the value for each of its 256 levels. */
interface InputChannel {
  readonly from: number;
  readonly values: Float32Array;
}

function channel(from: number, value: (level: number) => number): InputChannel {
  return { from, values: Float32Array.from({ length: 256 }, (_, level) => value(level)) };
}

/** Each rounded to float32 after each operation, as Keras does it. */
const INPUT_CHANNELS: Readonly<Record<Preprocessing, readonly InputChannel[]>> = {
  tf: [0, 1, 2].map((from) => channel(from, (level) => Math.fround(level / 127.5) - 1)),
  caffe: CAFFE_MEANS.map((mean, index) => channel(2 - index, (level) => level - Math.fround(mean))),
  none: [0, 1, 2].map((from) => channel(from, (level) => level)),
};

/**
 * Turns pixels into what a network reads.
 * @param preprocessing the network's own, `model.preprocessing` of the layer table
 * @param pixels 0…255, red, green and blue in turn
 * @param into takes the result: as many values as there are pixels
 * @returns `into`
 * @see keras.applications.imagenet_utils.preprocess_input
 */
export function preprocessPixels(preprocessing: Preprocessing, pixels: Uint8Array, into: Float32Array): Float32Array {
  if (preprocessing === "tf") return scalePixels(pixels, into);
  for (const [offset, { from, values }] of INPUT_CHANNELS[preprocessing].entries()) {
    for (let start = 0; start + CHANNELS <= pixels.length; start += CHANNELS) {
      into[start + offset] = values[pixels[start + from] ?? 0] ?? 0;
    }
  }
  return into;
}

/**
 * Scales pixels to the inputs of preprocessing `tf`: {@link preprocessPixels} where no channel matters.
 * @param into takes the result: as many values as there are pixels
 * @returns `into`, -1…1
 * @see keras.applications.mobilenet_v2.preprocess_input
 */
export function scalePixels(pixels: Uint8Array, into: Float32Array): Float32Array {
  const values = INPUT_CHANNELS.tf[0]?.values;
  for (let index = 0; index < pixels.length; index += 1) into[index] = values?.[pixels[index] ?? 0] ?? 0;
  return into;
}

/** The pixels, 0…255, that inputs were made from. */
export function pixelsBehind(preprocessing: Preprocessing, inputs: Float32Array): Uint8Array {
  const pixels = new Uint8Array(inputs.length);
  for (const [offset, { from, values }] of INPUT_CHANNELS[preprocessing].entries()) {
    const [lowest = 0, highest = 0] = [values[0], values[255]];
    for (let start = 0; start + CHANNELS <= inputs.length; start += CHANNELS) {
      const value = inputs[start + offset] ?? 0;
      pixels[start + from] = Math.round(((value - lowest) / (highest - lowest)) * 255);
    }
  }
  return pixels;
}
