import { floats, list, listed } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type OpRow, type Parameters, row } from "../op-row.ts";
import { InvalidCase, mapTensor, type Tensor64, zipTensors } from "../tensor64.ts";

type Shape = readonly number[];

/** The first input, which every row here has. */
export function first(inputs: readonly Tensor64[]): Tensor64 {
  const [input] = inputs;
  if (input === undefined) throw new RangeError("the case has no input");
  return input;
}

/** The second input. */
export function second(inputs: readonly Tensor64[]): Tensor64 {
  return first(inputs.slice(1));
}

const SPECIAL = list("0 1 -1 1e-7 -1e-7 NaN Infinity -Infinity");

function input({ shape, values }: Parameters): ReturnType<typeof floats> {
  return values === undefined ? floats(shape as Shape, 12) : listed(values);
}

const keepNaN = (value: number, otherwise: number): number => (Number.isNaN(value) ? Number.NaN : otherwise);

/** Functions of one number with a parameter. */
export function parametricRows(): OpRow[] {
  return [
    row<Parameters & { readonly low: number; readonly high: number }>({
      op: "tf.clipByValue",
      cases: [
        { shape: [2, 3, 5], low: -1, high: 1 },
        { shape: [7], low: 0, high: 0.5 },
        { values: SPECIAL, low: -1, high: 1 },
        { values: [-1, 1, 0.9999999, -1.0000001], low: -1, high: 1 },
      ],
      inputs: (p) => [input(p)],
      call: ({ low, high }) => call("clipByValue", x(0), low, high),
      reference(inputs, { low, high }) {
        if (!(low < high)) throw new InvalidCase("limits");
        return mapTensor(first(inputs), (v) => keepNaN(v, Math.min(Math.max(v, low), high)));
      },
      rule: "exact",
    }),
    row<{ readonly shape: Shape; readonly limit: number }>({
      op: "tf.clipByValue (equal limits)",
      cases: [
        { shape: [3, 1], limit: 0.25 },
        { shape: [5], limit: 0 },
      ],
      inputs: (p) => [input(p)],
      call: ({ limit }) => call("clipByValue", x(0), limit, limit),
      reference: (inputs, { limit }) => mapTensor(first(inputs), () => limit),
      rule: "exact",
    }),
    row<Parameters & { readonly alpha: number }>({
      op: "tf.leakyRelu",
      cases: [
        { shape: [2, 3, 5], alpha: 0.2 },
        { shape: [5], alpha: 0 },
        { shape: [5], alpha: 1.5 },
        { values: [0, 1, -1, 1e-7, -1e-7, "NaN"], alpha: 0.2 },
      ],
      inputs: (p) => [input(p)],
      call: ({ alpha }) => call("leakyRelu", x(0), alpha),
      reference: (inputs, { alpha }) => mapTensor(first(inputs), (v) => (v >= 0 ? v : alpha * v)),
      rule: "arithmetic",
    }),
    row<Parameters & { readonly alpha: number }>({
      op: "tf.step (alpha)",
      cases: [
        { shape: [2, 5], alpha: 0.3 },
        { values: [0, 1, -1, -1e-7], alpha: -2 },
      ],
      inputs: (p) => [input(p)],
      call: ({ alpha }) => call("step", x(0), alpha),
      reference: (inputs, { alpha }) => mapTensor(first(inputs), (v) => (v > 0 ? 1 : Math.fround(alpha))),
      rule: "exact",
      gradients: [],
    }),
    row<{ readonly shape: Shape; readonly alpha: Shape }>({
      op: "tf.prelu",
      cases: [
        { shape: [2, 3, 5], alpha: [5] },
        { shape: [2, 3, 5], alpha: [3, 1] },
        { shape: [2, 3, 4, 5], alpha: [3, 4, 5] },
        { shape: [4], alpha: [4] },
      ],
      inputs: ({ shape, alpha }) => [floats(shape, 13), floats(alpha, 14, 0.1, 0.9)],
      call: () => call("prelu", x(0), x(1)),
      reference: (inputs) => zipTensors(first(inputs), second(inputs), (v, alpha) => (v >= 0 ? v : alpha * v)),
      rule: "sum",
    }),
  ];
}
