import { floats } from "../case-values.ts";
import { type Call, x } from "../op-call.ts";
import { type CaseInput, type OpRow, row } from "../op-row.ts";
import { broadcastAt, build, mapTensor, type Tensor64, zipTensors } from "../tensor64.ts";
import { convolve } from "./convolution.ts";
import { first, second } from "./parametric.ts";

type Activation = "linear" | "relu" | "relu6" | "elu" | "leakyrelu" | "sigmoid" | "prelu";

const LEAK = 0.3;

const ACTIVATIONS: Readonly<Record<Exclude<Activation, "prelu">, (value: number) => number>> = {
  linear: (value) => value,
  relu: (value) => Math.max(value, 0),
  relu6: (value) => Math.min(Math.max(value, 0), 6),
  elu: (value) => (value >= 0 ? value : Math.expm1(value)),
  leakyrelu: (value) => (value >= 0 ? value : LEAK * value),
  sigmoid: (value) => 1 / (1 + Math.exp(-value)),
};

const NAMES: readonly Activation[] = ["linear", "relu", "relu6", "elu", "leakyrelu", "sigmoid", "prelu"];

/** What follows a product in one kernel: bias, then an activation. */
type Tail = { readonly bias: boolean; readonly activation: Activation };

const TAILS: readonly Tail[] = [
  ...NAMES.map((activation) => ({ bias: true, activation })),
  { bias: false, activation: "linear" },
  { bias: false, activation: "relu" },
  { bias: false, activation: "prelu" },
];

/** Inputs behind the two factors: the bias and the slopes of a PReLU. */
function tailInputs({ bias, activation }: Tail, channels: number): CaseInput[] {
  return [
    ...(bias ? [floats([channels], 153)] : []),
    ...(activation === "prelu" ? [floats([channels], 154, 0.1, 0.9)] : []),
  ];
}

/** The fields of a fused call that tell of the tail. */
function tailFields({ bias, activation }: Tail): Readonly<Record<string, Call["args"][number]>> {
  return {
    ...(bias ? { bias: x(2) } : {}),
    activation,
    ...(activation === "prelu" ? { preluActivationWeights: x(bias ? 3 : 2) } : {}),
    ...(activation === "leakyrelu" ? { leakyreluAlpha: LEAK } : {}),
  };
}

function withTail(product: Tensor64, inputs: readonly Tensor64[], { bias, activation }: Tail): Tensor64 {
  const offset = bias ? inputs[2] : undefined;
  const sum = offset === undefined ? product : zipTensors(product, offset, (a, b) => a + b);
  if (activation !== "prelu") return mapTensor(sum, ACTIVATIONS[activation]);
  const slopes = inputs[bias ? 3 : 2] ?? first([]);
  return zipTensors(sum, slopes, (value, slope) => (value >= 0 ? value : slope * value));
}

/** Condition sum: the product of magnitudes, with the bias; an activation makes no error larger. */
function tailScale(product: Tensor64, inputs: readonly Tensor64[], { bias }: Tail): Tensor64 {
  const offset = bias ? inputs[2] : undefined;
  return build(
    product.shape,
    (place) => 1 + broadcastAt(product, place) + (offset === undefined ? 0 : Math.abs(broadcastAt(offset, place))),
  );
}

const absolute = (inputs: readonly Tensor64[]): readonly [Tensor64, Tensor64] => [
  mapTensor(first(inputs), Math.abs),
  mapTensor(second(inputs), Math.abs),
];

function matMulRow(): OpRow {
  type P = Tail & { readonly rows: number; readonly inner: number; readonly columns: number };
  const product = (a: Tensor64, b: Tensor64, { rows, inner, columns }: P): Tensor64 =>
    build([rows, columns], ([row = 0, column = 0]) => {
      let sum = 0;
      for (let k = 0; k < inner; k += 1) sum += (a.data[row * inner + k] ?? 0) * (b.data[k * columns + column] ?? 0);
      return sum;
    });
  return row<P>({
    op: "tf.fused.matMul",
    cases: TAILS.map((tail) => ({ ...tail, rows: 3, inner: 4, columns: 5 })),
    inputs: ({ rows, inner, columns, ...tail }) => [
      floats([rows, inner], 151),
      floats([inner, columns], 152),
      ...tailInputs(tail, columns),
    ],
    call: (tail) => ({ fn: "fused.matMul", args: [{ a: x(0), b: x(1), ...tailFields(tail) }] }),
    reference: (inputs, p) => withTail(product(first(inputs), second(inputs), p), inputs, p),
    rule: "sigmoid",
    scale: (inputs, p) => tailScale(product(...absolute(inputs), p), inputs, p),
    terms: ({ inner }) => inner + 1,
  });
}

function convolutionRow(op: "conv2d" | "depthwiseConv2d"): OpRow {
  type P = Tail & {
    readonly size: number;
    readonly channels: number;
    readonly out: number;
    readonly kernel: number;
    readonly strides: number;
    readonly pad: "same" | "valid";
  };
  const depthwise = op === "depthwiseConv2d";
  const width = ({ channels, out }: P): number => (depthwise ? channels : out);
  const product = (image: Tensor64, kernel: Tensor64, p: P): Tensor64 =>
    convolve(image, kernel, { ...p, dilation: 1 }, { depthwise });
  const shapes = [
    { size: 4, channels: 3, out: 2, kernel: 3, strides: 1, pad: "same" },
    { size: 4, channels: 4, out: 4, kernel: 1, strides: 1, pad: "valid" },
  ] as const;
  return row<P>({
    op: `tf.fused.${op}`,
    cases: shapes.flatMap((shape) => TAILS.map((tail) => ({ ...tail, ...shape, ...(depthwise ? { out: 1 } : {}) }))),
    inputs: (p) => [
      floats([1, p.size, p.size, p.channels], 155),
      floats([p.kernel, p.kernel, p.channels, p.out], 156),
      ...tailInputs(p, width(p)),
    ],
    call: (p) => ({
      fn: `fused.${op}`,
      args: [{ x: x(0), filter: x(1), strides: p.strides, pad: p.pad, ...tailFields(p) }],
    }),
    reference: (inputs, p) => withTail(product(first(inputs), second(inputs), p), inputs, p),
    rule: "sigmoid",
    scale: (inputs, p) => tailScale(product(...absolute(inputs), p), inputs, p),
    terms: ({ kernel, channels }) => kernel * kernel * (depthwise ? 1 : channels) + 1,
  });
}

/** Products with bias and activation in one kernel, as layers and converted models call them. */
export function fusedRows(): OpRow[] {
  return [matMulRow(), convolutionRow("conv2d"), convolutionRow("depthwiseConv2d")];
}
