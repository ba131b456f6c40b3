import { floats, integers, list, listed } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, type Parameters, row } from "../op-row.ts";
import {
  at,
  broadcastAt,
  build,
  InvalidCase,
  mapTensor,
  reduceTensor,
  type Tensor64,
  zipTensors,
} from "../tensor64.ts";
import { first, second } from "./parametric.ts";

type Shape = readonly number[];

/** Softmax or its logarithm over the last axis. */
function softmax(input: Tensor64, logarithm: boolean): Tensor64 {
  const top = reduceTensor(input, -1, true, (values) => Math.max(...values));
  const shifted = zipTensors(input, top, (a, b) => a - b);
  const sums = reduceTensor(mapTensor(shifted, Math.exp), -1, true, (values) => values.reduce((a, b) => a + b, 0));
  return zipTensors(shifted, sums, (value, sum) => (logarithm ? value - Math.log(sum) : Math.exp(value) / sum));
}

function softmaxRow(op: "softmax" | "logSoftmax"): OpRow {
  const logarithm = op === "logSoftmax";
  return row<Parameters>({
    op: `tf.${op}`,
    cases: [
      ...[[7], [3, 5], [2, 3, 4], [2, 1], [2, 33]].map((shape) => ({ shape })),
      { values: list("10000 -10000 9999 0") },
      { values: list("3 3 3") },
      { values: list("100 0 -100") },
    ],
    inputs: ({ shape, values }) => [values === undefined ? floats(shape as Shape, 61, -4, 4) : listed(values)],
    call: () => call(op, x(0)),
    reference: (inputs) => softmax(first(inputs), logarithm),
    rule: logarithm ? "logSum" : "softmax",
    terms: ({ shape }) => (shape as Shape | undefined)?.at(-1) ?? 4,
  });
}

function crossEntropyRow(): OpRow {
  type P = { readonly batch: number; readonly classes: number };
  return row<P>({
    op: "tf.losses.softmaxCrossEntropy",
    cases: [
      { batch: 3, classes: 5 },
      { batch: 1, classes: 2 },
      { batch: 4, classes: 33 },
    ],
    inputs({ batch, classes }) {
      const labels = integers([batch], 0, classes, 62).values;
      const hot = Array.from({ length: batch * classes }, (_, index) =>
        Number(labels[Math.floor(index / classes)] === index % classes),
      );
      return [{ shape: [batch, classes], dtype: "float32", values: hot }, floats([batch, classes], 63, -4, 4)];
    },
    call: () => call("losses.softmaxCrossEntropy", x(0), x(1)),
    reference(inputs, { batch }) {
      const [labels, logits] = [first(inputs), second(inputs)];
      const all = zipTensors(labels, softmax(logits, true), (label, value) => (-label * value) / batch);
      return reduceTensor(all, null, false, (values) => values.reduce((a, b) => a + b, 0));
    },
    rule: "logSum",
    terms: ({ batch, classes }) => batch * classes,
    gradients: [1],
  });
}

/** A loss that is a mean over all elements. */
function lossRow(op: string, compute: (label: number, prediction: number) => number): OpRow {
  const probabilities = op === "logLoss";
  return row<{ readonly shape: Shape }>({
    op: `tf.losses.${op}`,
    cases: [{ shape: [5] }, { shape: [2, 3] }, { shape: [1] }],
    inputs({ shape }) {
      const labels = integers(shape, 0, 2, 64);
      return [{ ...labels, dtype: "float32" }, probabilities ? floats(shape, 65, 0.1, 0.9) : floats(shape, 65, -3, 3)];
    },
    call: () => call(`losses.${op}`, x(0), x(1)),
    reference: (inputs) =>
      reduceTensor(zipTensors(first(inputs), second(inputs), compute), null, false, (values) =>
        values.reduce((a, b) => a + b / values.length, 0),
      ),
    rule: "logSum",
    terms: ({ shape }) => shape.reduce((a, b) => a * b, 1),
    gradients: [1],
  });
}

const BATCH_NORM_EPSILON = 1e-3;

function batchNormRow(): OpRow {
  type P = { readonly shape: Shape; readonly statistics: Shape; readonly offset: boolean; readonly scale: boolean };
  return row<P>({
    op: "tf.batchNorm",
    cases: [
      { shape: [2, 3, 4, 5], statistics: [5], offset: true, scale: true },
      { shape: [2, 3, 4, 5], statistics: [5], offset: false, scale: false },
      { shape: [2, 3, 3, 1], statistics: [1], offset: true, scale: true },
      { shape: [3, 4], statistics: [4], offset: true, scale: true },
      { shape: [2, 3, 4], statistics: [4], offset: false, scale: true },
      { shape: [2, 3, 4], statistics: [2, 3, 4], offset: true, scale: true },
      { shape: [1, 1, 1, 3], statistics: [3], offset: true, scale: false },
    ],
    inputs: ({ shape, statistics, offset, scale }) => [
      floats(shape, 66),
      floats(statistics, 67),
      floats(statistics, 68, 0.1, 3),
      ...(offset ? [floats(statistics, 69)] : []),
      ...(scale ? [floats(statistics, 70)] : []),
    ],
    call: ({ offset, scale }) =>
      call(
        "batchNorm",
        x(0),
        x(1),
        x(2),
        offset ? x(3) : undefined,
        scale ? x(offset ? 4 : 3) : undefined,
        BATCH_NORM_EPSILON,
      ),
    reference: (inputs, p) => batchNorm(inputs, p, false),
    rule: "normalization",
    scale: (inputs, p) => batchNorm(inputs, p, true),
  });
}

function batchNorm(
  inputs: readonly Tensor64[],
  { offset, scale }: { readonly offset: boolean; readonly scale: boolean },
  magnitudes: boolean,
): Tensor64 {
  const [input, mean, variance] = [first(inputs), second(inputs), second(inputs.slice(1))];
  const [beta, gamma] = [offset ? inputs[3] : undefined, scale ? inputs[offset ? 4 : 3] : undefined];
  const size = magnitudes ? Math.abs : (value: number): number => value;
  const sign = magnitudes ? 1 : -1;
  return build(input.shape, (place) => {
    const difference = size(at(input, place)) + sign * size(broadcastAt(mean, place));
    const root = Math.sqrt(broadcastAt(variance, place) + BATCH_NORM_EPSILON);
    const factor = gamma === undefined ? 1 : size(broadcastAt(gamma, place));
    return (difference / root) * factor + (beta === undefined ? 0 : size(broadcastAt(beta, place)));
  });
}

function responseRow(): OpRow {
  type P = {
    readonly shape: Shape;
    readonly radius: number;
    readonly bias: number;
    readonly alpha: number;
    readonly beta: number;
  };
  return row<P>({
    op: "tf.localResponseNormalization",
    cases: [
      { shape: [1, 2, 3, 5], radius: 1, bias: 1, alpha: 1, beta: 0.5 },
      { shape: [2, 1, 2, 7], radius: 2, bias: 2, alpha: 0.5, beta: 0.75 },
      { shape: [1, 2, 2, 3], radius: 5, bias: 1, alpha: 0.1, beta: 1 },
      { shape: [1, 1, 1, 1], radius: 0, bias: 1, alpha: 1, beta: 0.5 },
    ],
    inputs: ({ shape }) => [floats(shape, 71)],
    call: ({ radius, bias, alpha, beta }) => call("localResponseNormalization", x(0), radius, bias, alpha, beta),
    reference(inputs, { radius, bias, alpha, beta }) {
      if (!(bias > 0 && alpha > 0 && beta > 0)) throw new InvalidCase("constants");
      const input = first(inputs);
      const channels = input.shape[3] ?? 0;
      return build(input.shape, ([b = 0, r = 0, c = 0, k = 0]) => {
        let squares = 0;
        for (let other = Math.max(0, k - radius); other <= Math.min(channels - 1, k + radius); other += 1) {
          squares += at(input, [b, r, c, other]) ** 2;
        }
        return at(input, [b, r, c, k]) * (bias + alpha * squares) ** -beta;
      });
    },
    rule: "normalization",
    terms: ({ radius }) => 2 * radius + 1,
  });
}

function normRow(): OpRow {
  type P = { readonly shape: Shape; readonly order: number | string; readonly axis: number | null };
  const norms: Readonly<Record<string, (values: readonly number[]) => number>> = {
    1: (values) => values.reduce((sum, value) => sum + Math.abs(value), 0),
    2: (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)),
    euclidean: (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)),
    Infinity: (values) => Math.max(...values.map(Math.abs)),
    "-Infinity": (values) => Math.min(...values.map(Math.abs)),
  };
  return row<P>({
    op: "tf.norm",
    cases: [1, 2, "euclidean", "Infinity", "-Infinity"].flatMap((order) => [
      { shape: [5], order, axis: null },
      { shape: [2, 3, 4], order, axis: 1 },
    ]),
    inputs: ({ shape }) => [floats(shape, 72)],
    call: ({ order, axis }) => call("norm", x(0), order === "euclidean" ? order : Number(order), axis ?? undefined),
    reference: (inputs, { order, axis }) => {
      const compute = norms[String(order)];
      if (compute === undefined) throw new RangeError(`norm ${order}`);
      return reduceTensor(first(inputs), axis, false, compute);
    },
    rule: "normalization",
    terms: ({ shape }) => shape.reduce((a, b) => a * b, 1),
  });
}

/** Normalisations and losses. */
export function normalizationRows(): OpRow[] {
  const logistic = (label: number, value: number): number =>
    Math.max(value, 0) - value * label + Math.log1p(Math.exp(-Math.abs(value)));
  return [
    softmaxRow("softmax"),
    softmaxRow("logSoftmax"),
    crossEntropyRow(),
    lossRow("sigmoidCrossEntropy", logistic),
    lossRow("meanSquaredError", (label, value) => (label - value) ** 2),
    lossRow("absoluteDifference", (label, value) => Math.abs(label - value)),
    lossRow("huberLoss", (label, value) =>
      Math.abs(label - value) <= 1 ? 0.5 * (label - value) ** 2 : Math.abs(label - value) - 0.5,
    ),
    lossRow("logLoss", (label, value) => -label * Math.log(value + 1e-7) - (1 - label) * Math.log(1 - value + 1e-7)),
    lossRow("hingeLoss", (label, value) => Math.max(0, 1 - (2 * label - 1) * value)),
    batchNormRow(),
    responseRow(),
    normRow(),
  ];
}
