import { describe, expect, it } from "vitest";
import { gradientReference } from "../src/gradient-reference.ts";
import type { Parameters } from "../src/op-row.ts";
import { erf } from "../src/rows/unary.ts";
import { opRows } from "../src/suite.ts";
import { at, build, InvalidCase, reduceTensor, type Tensor64, transposed, zipTensors } from "../src/tensor64.ts";
import { axisWindow } from "../src/windows.ts";

function tensor(shape: readonly number[], data: readonly number[]): Tensor64 {
  return { shape, data };
}

function reference(op: string, inputs: readonly Tensor64[], parameters: Parameters = {}): number[] {
  const row = opRows().find((candidate) => candidate.op === op);
  if (row === undefined) throw new Error(`no ${op}`);
  return Array.from(row.reference(inputs, parameters).data);
}

describe("tensors in float64", () => {
  it("broadcast, reduce and transpose", () => {
    const [a, b] = [tensor([2, 1], [1, 2]), tensor([3], [10, 20, 30])];
    expect(Array.from(zipTensors(a, b, (x, y) => x + y).data)).toEqual([11, 21, 31, 12, 22, 32]);
    const matrix = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
    const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);
    expect(Array.from(reduceTensor(matrix, [-1], false, sum).data)).toEqual([6, 15]);
    expect(reduceTensor(matrix, [0], true, sum)).toMatchObject({ shape: [1, 3] });
    expect(Array.from(transposed(matrix, [1, 0]).data)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it("refuse what is outside", () => {
    expect(() => at(tensor([2], [1, 2]), [2])).toThrow(InvalidCase);
    expect(() => build([1.5], () => 0)).toThrow(InvalidCase);
    expect(() => zipTensors(tensor([2], [1, 2]), tensor([3], [1, 2, 3]), () => 0)).toThrow(InvalidCase);
  });

  it("place windows as TensorFlow does: the odd zero comes last", () => {
    expect(axisWindow(6, 3, 2, 1, "same", 0)).toEqual({ before: 0, places: 3 });
    expect(axisWindow(5, 3, 2, 1, "same", 0)).toEqual({ before: 1, places: 3 });
    expect(axisWindow(5, 3, 1, 2, "valid", 0)).toEqual({ before: 0, places: 1 });
  });
});

// From TensorFlow 2.21 and NumPy.
describe("references", () => {
  it("know numeric facts", () => {
    expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 14);
    expect(erf(3.5)).toBeCloseTo(0.9999992569016276, 14);
    expect(reference("tf.round", [tensor([4], [0.5, 1.5, 2.5, 3.5])])).toEqual([0, 2, 2, 4]);
    expect(reference("tf.mod", [tensor([2], [-7, 7]), tensor([2], [2, -2])])).toEqual([1, -1]);
    expect(reference("tf.floorDiv", [tensor([2], [-7, 7]), tensor([2], [2, -2])])).toEqual([-4, -4]);
    expect(reference("tf.softmax", [tensor([3], [10_000, 9999, -1])])).toEqual([
      expect.closeTo(0.7310585786300049, 12),
      expect.closeTo(0.2689414213699951, 12),
      0,
    ]);
  });

  it("resize as TensorFlow does in its three modes", () => {
    const image = tensor([1, 1, 2, 1], [0, 4]);
    const resize = (op: string, alignCorners: boolean, halfPixelCenters: boolean): number[] =>
      reference(`tf.image.${op}`, [image], { size: [1, 4], alignCorners, halfPixelCenters });
    expect(resize("resizeBilinear", false, false)).toEqual([0, 2, 4, 4]);
    expect(resize("resizeBilinear", false, true)).toEqual([0, 1, 3, 4]);
    expect(resize("resizeBilinear", true, false)).toEqual([0, 4 / 3, 8 / 3, 4]);
    expect(resize("resizeNearestNeighbor", false, true)).toEqual([0, 0, 4, 4]);
  });

  it("mirror with and without the edge", () => {
    const line = tensor([3], [1, 2, 3]);
    expect(reference("tf.mirrorPad (reflect)", [line], { paddings: [[2, 2]] })).toEqual([3, 2, 1, 2, 3, 2, 1]);
    expect(reference("tf.mirrorPad (symmetric)", [line], { paddings: [[2, 2]] })).toEqual([2, 1, 1, 2, 3, 3, 2]);
  });
});

describe("gradients by differences", () => {
  const of = (f: (x: Tensor64) => Tensor64, x: Tensor64, weights: readonly number[]) =>
    gradientReference({ reference: ([input]) => f(input ?? x) }, [x], {}, 0, weights);

  it("are those of calculus", () => {
    const exp = (x: Tensor64): Tensor64 => build(x.shape, (place) => Math.exp(at(x, place)));
    const { lower, upper } = of(exp, tensor([2], [0.3, -4]), [1, 2]);
    expect(lower[0]).toBeCloseTo(Math.exp(0.3), 9);
    expect(lower[1]).toBeCloseTo(2 * Math.exp(-4), 10);
    expect(upper).toEqual(lower);
  });

  it("sum over what an element has an influence on, and count it", () => {
    const running = (x: Tensor64): Tensor64 =>
      build(x.shape, ([last = 0]) =>
        Array.from(x.data)
          .slice(0, last + 1)
          .reduce((a, b) => a + b, 0),
      );
    const { lower, scale, terms } = of(running, tensor([3], [1, 2, 3]), [1, -10, 100]);
    expect(Array.from(lower, Math.round)).toEqual([91, 90, 100]);
    expect(Array.from(scale, Math.round)).toEqual([111, 110, 100]);
    expect(terms).toBe(3);
  });

  it("are all that lie between at a kink, and anything where f jumps", () => {
    const relu = (x: Tensor64): Tensor64 => build(x.shape, (place) => Math.max(0, at(x, place)));
    const kink = of(relu, tensor([1], [0]), [-2]);
    expect([kink.lower[0], kink.upper[0]]).toEqual([expect.closeTo(-2, 9), expect.closeTo(0, 9)]);
    const step = (x: Tensor64): Tensor64 => build(x.shape, (place) => (at(x, place) > 0 ? 1 : 0));
    const jump = of(step, tensor([1], [0]), [1]);
    expect([jump.lower[0], jump.upper[0]]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });
});
