import { describe, expect, it } from "vitest";
import { pixelsBehind, preprocessPixels, scalePixels } from "../src/data/preprocessing.ts";

const PIXELS = Uint8Array.from({ length: 256 * 3 }, (_, index) => (index * 7) % 256);

describe("preprocessing", () => {
  // keras.applications.imagenet_utils.preprocess_input(np.array([[[[10, 20, 200]]]], "float32"), mode=...)
  it.each([
    ["tf", [-0.9215686321258545, -0.843137264251709, 0.5686274766921997]],
    ["caffe", [96.06099700927734, -96.77899932861328, -113.68000030517578]],
    ["none", [10, 20, 200]],
  ] as const)("%s is Keras's", (mode, expected) => {
    const found = preprocessPixels(mode, Uint8Array.of(10, 20, 200), new Float32Array(3));
    for (const [index, value] of expected.entries()) expect(found[index]).toBe(Math.fround(value));
  });

  it.each(["tf", "caffe", "none"] as const)("%s can be undone", (mode) => {
    const inputs = preprocessPixels(mode, PIXELS, new Float32Array(PIXELS.length));
    expect(pixelsBehind(mode, inputs)).toEqual(PIXELS);
  });

  it("tf is what scalePixels does", () => {
    const [whole, each] = [new Float32Array(PIXELS.length), new Float32Array(PIXELS.length)];
    expect(preprocessPixels("tf", PIXELS, whole)).toEqual(scalePixels(PIXELS, each));
  });
});
