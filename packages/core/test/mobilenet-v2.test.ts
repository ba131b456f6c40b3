import { describe, expect, it } from "vitest";
import { type Layer, type LayerOp, parameterCount, sizeOf } from "../src/model/layer.ts";
import { makeDivisible, mobileNetV2 } from "../src/model/mobilenet-v2.ts";
import { readGolden } from "./golden.ts";

/** Attributes as Keras has them; a layer type lists only its own. */
interface Attributes {
  readonly strides?: readonly [number, number];
  readonly padding?: "same" | "valid";
  readonly useBias?: boolean;
  readonly epsilon?: number;
  readonly momentum?: number;
  readonly maxValue?: number;
}

interface LayersGolden {
  readonly tables: readonly (readonly [alpha: number, size: number])[];
  readonly structure: Readonly<Record<string, readonly [type: string, inputs: readonly string[], Attributes]>>;
  readonly alphas: Readonly<
    Record<
      string,
      {
        readonly channels: readonly number[];
        readonly params: readonly number[];
        readonly weights: readonly string[];
        readonly trainable: number;
      }
    >
  >;
  readonly sizes: Readonly<
    Record<string, { readonly sides: readonly (number | null)[]; readonly padding: Readonly<Record<string, unknown>> }>
  >;
}

const golden = readGolden<LayersGolden>("keras-layers");
const structure = Object.entries(golden.structure);

/** What TensorFlow's `same` adds, by its definition: the output has ceil(size / strides) pixels. */
function same(size: number, kernelSize: number, strides: number): [number, number] {
  let total = 0;
  while (Math.floor((size + total - kernelSize) / strides) + 1 < Math.ceil(size / strides)) total += 1;
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** The row that Keras's attributes make. */
function expectedOp(
  [name, [type, , attributes]]: (typeof structure)[number],
  inputSide: number,
  kernelSize: number,
  padding: Readonly<Record<string, unknown>>,
): unknown {
  if (type === "ZeroPadding2D") return { type, padding: padding[name] };
  if (attributes.strides === undefined) return { type, ...attributes };
  const [strides] = attributes.strides;
  const zeros = attributes.padding === "same" ? same(inputSide, kernelSize, strides) : [0, 0];
  return { type, strides, padding: [zeros, zeros], useBias: attributes.useBias };
}

const weightText = (layer: Layer): string =>
  layer.weights.map(({ name, shape }) => `${name}:${shape.join("x")}`).join(" ");

describe("mobileNetV2", () => {
  it("has golden tables for 6 alphas, odd sizes and the smallest size", () => {
    expect(structure).toHaveLength(155);
    expect(golden.tables).toHaveLength(15);
  });

  it.each(golden.tables)("is Keras's table at alpha %s, %s px", (alpha, size) => {
    const { layers, inputShape } = mobileNetV2({ alpha, imageSize: size });
    const ofAlpha = golden.alphas[String(alpha)] ?? golden.alphas[alpha.toFixed(1)];
    const ofSize = golden.sizes[String(size)];
    if (ofAlpha === undefined || ofSize === undefined) throw new Error("The golden file lacks this table.");
    expect(inputShape).toEqual([size, size, 3]);
    expect(layers.map((layer) => layer.name)).toEqual(structure.map(([name]) => name));
    expect(layers.map((layer) => layer.inputs)).toEqual(structure.map(([, [, inputs]]) => inputs));
    expect(layers.map((layer) => layer.outputShape)).toEqual(
      ofSize.sides.map((side, index) => [...(side === null ? [] : [side, side]), ofAlpha.channels[index]]),
    );
    expect(layers.map(parameterCount)).toEqual(ofAlpha.params);
    expect(layers.map(weightText)).toEqual(ofAlpha.weights);
    const trainable = layers.flatMap((layer) => layer.weights.filter((weight) => weight.trainable));
    expect(trainable.reduce((sum, weight) => sum + sizeOf(weight.shape), 0)).toBe(ofAlpha.trainable);

    const sides = new Map(layers.map((layer) => [layer.name, layer.outputShape[0] ?? 0]));
    const expected = structure.map((row, index) => {
      const layer = layers[index];
      return expectedOp(row, sides.get(row[1][1][0] ?? "") ?? 0, layer?.weights[0]?.shape[0] ?? 0, ofSize.padding);
    });
    expect(layers.map((layer): LayerOp => layer.op)).toEqual(expected);
  });

  it("counts the multiply-accumulates of a convolution by hand", () => {
    const macs = new Map(mobileNetV2({ alpha: 1, imageSize: 160 }).layers.map((layer) => [layer.name, layer.macs]));
    expect(macs.get("Conv1")).toBe(80 * 80 * 32 * 3 * 3 * 3);
    expect(macs.get("block_1_depthwise")).toBe(40 * 40 * 96 * 3 * 3);
    expect(macs.get("Conv_1")).toBe(5 * 5 * 320 * 1280);
    expect(macs.get("bn_Conv1")).toBe(0);
  });

  it.each([
    [1, 8],
    [11, 16], // 8 would lose more than a tenth
    [33, 32],
    [35.2, 32],
    [36, 40],
  ])("rounds %s channels to %s", (channels, expected) => {
    expect(makeDivisible(channels)).toBe(expected);
  });
});
