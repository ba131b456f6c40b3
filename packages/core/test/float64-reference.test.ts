import { describe, expect, it } from "vitest";
import { float64Kernels } from "../src/kernels/float64-reference.ts";
import { at, type Float64Tensor, float64Tensor } from "../src/kernels/float64-tensor.ts";
import type { OptimizerUpdate, Window } from "../src/kernels/kernels.ts";
import { sizeOf } from "../src/model/layer.ts";

const kernels = float64Kernels();
const BOTH = { input: true, weights: true };
const EPSILON = 1e-3;

/** Smooth deterministic values with no symmetry. */
function wave(shape: readonly number[], phase: number, size = 1): Float64Tensor {
  return float64Tensor(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, index) => size * Math.sin(1.7 * index + 0.3 * index * index + phase)),
  );
}

/** Σ y · dy, whose gradient is what a gradient kernel computes from dy. */
function dot(y: Float64Tensor, dy: Float64Tensor): number {
  expect(y.shape).toEqual(dy.shape);
  return y.data.reduce((sum, value, index) => sum + value * at(dy.data, index), 0);
}

function moved(tensor: Float64Tensor, index: number, step: number): Float64Tensor {
  const data = tensor.data.slice();
  data[index] = at(data, index) + step;
  return { ...tensor, data };
}

/** Checks a gradient with central differences: their error is about step² ≈ 1e-8 and 1e-16 / step ≈ 1e-12. */
function expectGradient(
  gradient: Float64Tensor | undefined,
  input: Float64Tensor,
  loss: (input: Float64Tensor) => number,
): void {
  const step = 1e-4;
  expect(gradient?.shape).toEqual(input.shape);
  const differences = Array.from(input.data, (_, index) => {
    return (loss(moved(input, index, step)) - loss(moved(input, index, -step))) / (2 * step);
  });
  const size = Math.max(...differences.map(Math.abs));
  expect(size).toBeGreaterThan(1e-3);
  const worst = Math.max(...differences.map((value, index) => Math.abs(value - at(gradient?.data ?? [], index))));
  expect(worst / size).toBeLessThan(1e-6);
}

const WINDOWS: readonly Window[] = [
  {
    strides: 1,
    padding: [
      [1, 1],
      [1, 1],
    ],
  },
  {
    strides: 2,
    padding: [
      [0, 1],
      [0, 1],
    ],
  },
  {
    strides: 2,
    padding: [
      [2, 1],
      [0, 3],
    ],
  },
];

describe("float64 reference: gradients against central differences", () => {
  for (const window of WINDOWS) {
    const name = `stride ${window.strides}, padding ${JSON.stringify(window.padding)}`;

    it(`conv2d, ${name}`, () => {
      const [x, kernel] = [wave([2, 5, 6, 3], 0), wave([3, 3, 3, 4], 1)];
      const dy = wave(kernels.conv2d(x, kernel, window).shape, 2);
      const dx = kernels.conv2dInputGradient(dy, kernel, x.shape, window);
      const dKernel = kernels.conv2dKernelGradient(x, dy, kernel.shape, window);
      expectGradient(dx, x, (moving) => dot(kernels.conv2d(moving, kernel, window), dy));
      expectGradient(dKernel, kernel, (moving) => dot(kernels.conv2d(x, moving, window), dy));
    });

    it(`depthwiseConv2d, ${name}`, () => {
      const [x, kernel] = [wave([2, 5, 6, 3], 0), wave([3, 3, 3, 1], 1)];
      const dy = wave(kernels.depthwiseConv2d(x, kernel, window).shape, 2);
      const dx = kernels.depthwiseConv2dInputGradient(dy, kernel, x.shape, window);
      const dKernel = kernels.depthwiseConv2dKernelGradient(x, dy, kernel.shape, window);
      expectGradient(dx, x, (moving) => dot(kernels.depthwiseConv2d(moving, kernel, window), dy));
      expectGradient(dKernel, kernel, (moving) => dot(kernels.depthwiseConv2d(x, moving, window), dy));
    });
  }

  it("batchNormTrain", () => {
    const [x, gamma, beta, dy] = [wave([2, 3, 2, 3], 0, 2), wave([3], 1), wave([3], 2), wave([2, 3, 2, 3], 3)];
    const y = (a: Float64Tensor, scale: Float64Tensor, offset: Float64Tensor): number =>
      dot(kernels.batchNormTrain(a, scale, offset, EPSILON).y, dy);
    const trained = kernels.batchNormTrain(x, gamma, beta, EPSILON);
    const { dx, dGamma, dBeta } = kernels.batchNormTrainGradient(dy, x, gamma, trained, EPSILON, BOTH);
    expectGradient(dx, x, (moving) => y(moving, gamma, beta));
    expectGradient(dGamma, gamma, (moving) => y(x, moving, beta));
    expectGradient(dBeta, beta, (moving) => y(x, gamma, moving));
  });

  it("batchNormInference", () => {
    const [x, gamma, beta, dy] = [wave([2, 3, 2, 3], 0, 2), wave([3], 1), wave([3], 2), wave([2, 3, 2, 3], 3)];
    const [mean, variance] = [wave([3], 4), float64Tensor([3], [0.2, 1.1, 3])];
    const y = (a: Float64Tensor, scale: Float64Tensor, offset: Float64Tensor): number =>
      dot(kernels.batchNormInference(a, scale, offset, mean, variance, EPSILON), dy);
    const { dx, dGamma, dBeta } = kernels.batchNormInferenceGradient(dy, x, gamma, mean, variance, EPSILON, BOTH);
    expectGradient(dx, x, (moving) => y(moving, gamma, beta));
    expectGradient(dGamma, gamma, (moving) => y(x, moving, beta));
    expectGradient(dBeta, beta, (moving) => y(x, gamma, moving));
  });

  it("relu, zeroPad, biasAdd and globalAveragePool", () => {
    const x = wave([2, 3, 4, 2], 0.5, 9);
    const dy = wave([2, 3, 4, 2], 1);
    for (const limit of [6, null]) {
      const dx = kernels.reluGradient(dy, kernels.relu(x, limit), limit);
      expectGradient(dx, x, (moving) => dot(kernels.relu(moving, limit), dy));
    }
    const padding = WINDOWS[2]?.padding ?? [
      [0, 0],
      [0, 0],
    ];
    const dPadded = wave(kernels.zeroPad(x, padding).shape, 2);
    expectGradient(kernels.zeroPadGradient(dPadded, padding), x, (moving) =>
      dot(kernels.zeroPad(moving, padding), dPadded),
    );
    const bias = wave([2], 3);
    expectGradient(kernels.biasGradient(dy), bias, (moving) => dot(kernels.biasAdd(x, moving), dy));
    const dPooled = wave([2, 2], 4);
    const pooled = (moving: Float64Tensor): number => dot(kernels.globalAveragePool(moving), dPooled);
    expectGradient(kernels.globalAveragePoolGradient(dPooled, x.shape), x, pooled);
  });

  it("dense and softmax cross-entropy", () => {
    const [x, kernel, bias, dy] = [wave([4, 5], 0), wave([5, 3], 1), wave([3], 2), wave([4, 3], 3)];
    const y = (a: Float64Tensor, k: Float64Tensor): number => dot(kernels.dense(a, k, bias), dy);
    expectGradient(kernels.denseInputGradient(dy, kernel), x, (moving) => y(moving, kernel));
    expectGradient(kernels.denseKernelGradient(x, dy), kernel, (moving) => y(x, moving));

    const [logits, labels] = [wave([4, 3], 4, 3), kernels.uploadLabels(Int32Array.of(0, 2, 1, 2))];
    const meanLoss = (moving: Float64Tensor): number =>
      kernels.softmaxCrossEntropy(moving, labels).losses.data.reduce((sum, loss) => sum + loss / 4, 0);
    const { probabilities } = kernels.softmaxCrossEntropy(logits, labels);
    expectGradient(kernels.softmaxCrossEntropyGradient(probabilities, labels), logits, meanLoss);
  });
});

describe("float64 reference: forward values worked out by hand", () => {
  const values = (tensor: Float64Tensor): number[] => [...tensor.data];

  it("convolves as Keras does: a correlation, padded where the window says", () => {
    const x = float64Tensor([1, 2, 2, 1], [1, 2, 3, 4]);
    const kernel = float64Tensor([2, 2, 1, 1], [1, 10, 100, 1000]);
    const below: Window = {
      strides: 1,
      padding: [
        [0, 1],
        [0, 1],
      ],
    };
    expect(values(kernels.conv2d(x, kernel, below))).toEqual([4321, 402, 43, 4]);
    expect(values(kernels.depthwiseConv2d(x, kernel, below))).toEqual([4321, 402, 43, 4]);
  });

  it("pads above and to the left by what the window says for each", () => {
    const x = float64Tensor([1, 1, 2, 1], [1, 2]);
    const kernel = float64Tensor([2, 2, 1, 1], [1, 10, 100, 1000]);
    const above: Window = {
      strides: 1,
      padding: [
        [1, 0],
        [0, 1],
      ],
    };
    expect(values(kernels.conv2d(x, kernel, above))).toEqual([2100, 200]);
    expect(values(kernels.depthwiseConv2d(x, kernel, above))).toEqual([2100, 200]);
  });

  it("mixes channels in conv2d and keeps them apart in depthwiseConv2d", () => {
    const window: Window = {
      strides: 1,
      padding: [
        [0, 0],
        [0, 0],
      ],
    };
    const x = float64Tensor([1, 1, 1, 2], [2, 3]);
    expect(values(kernels.conv2d(x, float64Tensor([1, 1, 2, 2], [1, 10, 100, 1000]), window))).toEqual([302, 3020]);
    expect(values(kernels.depthwiseConv2d(x, float64Tensor([1, 1, 2, 1], [5, 7]), window))).toEqual([10, 21]);
  });

  it("normalises by the biased variance", () => {
    const x = float64Tensor([4, 1, 1, 1], [1, 3, 5, 7]);
    const { y, mean, variance } = kernels.batchNormTrain(x, float64Tensor([1], [2]), float64Tensor([1], [1]), 4);
    expect(values(mean)).toEqual([4]);
    expect(values(variance)).toEqual([5]);
    expect(values(y)).toEqual([-1, 1 - 2 / 3, 1 + 2 / 3, 3]);
  });

  it("gives the loss of certain and of uncertain predictions", () => {
    const logits = float64Tensor([2, 2], [0, 0, 1000, -1000]);
    const { losses, probabilities } = kernels.softmaxCrossEntropy(logits, kernels.uploadLabels(Int32Array.of(1, 1)));
    expect(values(losses)).toEqual([Math.log(2), 2000]);
    expect(values(probabilities)).toEqual([0.5, 0.5, 1, 0]);
  });

  const step = (update: OptimizerUpdate, slotValues: readonly number[]): { weight: number; slots: number[] } => {
    const one = (value: number): Float64Tensor => float64Tensor([1], [value]);
    const next = kernels.optimizerStep(update, [one(1)], [one(2)], slotValues.map(one));
    return { weight: at(next.weights[0]?.data ?? [], 0), slots: next.slots.map((slot) => at(slot.data, 0)) };
  };

  // Weight 1, gradient 2; Keras's formulas by hand.
  it.each<[string, OptimizerUpdate, number[], number, number[]]>([
    ["SGD", { type: "sgd", stepSize: 0.25, momentum: 0, nesterov: false }, [], 0.5, []],
    ["momentum", { type: "sgd", stepSize: 0.25, momentum: 0.5, nesterov: false }, [1], 1, [0]],
    ["Nesterov", { type: "sgd", stepSize: 0.25, momentum: 0.5, nesterov: true }, [2], 1.25 - 0.5, [0.5]],
    ["RMSprop", { type: "rmsprop", stepSize: 0.5, rho: 0.5, momentum: 0, epsilon: 2, centered: false }, [0], 0.5, [2]],
    [
      "centred RMSprop with momentum",
      { type: "rmsprop", stepSize: 0.5, rho: 0.5, momentum: 0.5, epsilon: 3, centered: true },
      [0, 1, 0],
      1 - (0.5 + 0.5),
      [2, 1, 1],
    ],
    ["Adam", { type: "adam", stepSize: 0.5, beta1: 0.5, beta2: 0.75, epsilon: 1 }, [0, 0], 1 - 0.5 / 2, [1, 1]],
  ])("steps as Keras's %s", (_, update, slots, weight, next) => {
    expect(step(update, slots)).toEqual({ weight, slots: next });
  });
});

describe("float64 reference: condition sums", () => {
  it("adds up magnitudes where values cancel", () => {
    const [x, kernel] = [float64Tensor([1, 3], [1e6, -1e6, 1]), float64Tensor([3, 1], [1, 1, 1])];
    const y = kernels.dense(x, kernel, float64Tensor([1], [-1]));
    expect([at(y.data, 0), at(y.scale, 0), y.terms]).toEqual([0, 2e6 + 2, 4]);
  });

  it("leaves none where nothing is rounded", () => {
    expect(kernels.relu(wave([5], 0), 6).scale.every((scale) => scale === 0)).toBe(true);
  });

  it("counts live tensors, consumed ones not", () => {
    const own = float64Kernels();
    const [weight, gradient] = [own.upload(Float32Array.of(1), [1]), own.upload(Float32Array.of(1), [1])];
    const adam: OptimizerUpdate = { type: "adam", stepSize: 1, beta1: 0.9, beta2: 0.999, epsilon: 1 };
    const slots = own.optimizerSlots(adam, 1);
    expect(own.memory()).toEqual({ tensors: 4, bytes: 32 });
    own.optimizerStep(adam, [weight], [gradient], slots);
    expect(own.memory().tensors).toBe(3);
  });
});
