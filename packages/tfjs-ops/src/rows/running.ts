import { floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type CaseInput, type OpRow, row } from "../op-row.ts";
import { axesOf, build, InvalidCase, mapTensor, type Tensor64 } from "../tensor64.ts";
import { first } from "./parametric.ts";

type Shape = readonly number[];
type Name = "cumsum" | "cumprod";

/** How far a running sum or product goes at each place. */
type Flags = { readonly exclusive: boolean; readonly reverse: boolean };

const FLAGS: readonly Flags[] = [false, true].flatMap((exclusive) =>
  [false, true].map((reverse) => ({ exclusive, reverse })),
);

function draw(name: Name, shape: Shape, seed: number): CaseInput {
  return name === "cumsum" ? floats(shape, seed, -2, 2) : floats(shape, seed, 0.5, 1.5);
}

function isIncluded(index: number, here: number, { exclusive, reverse }: Flags): boolean {
  if (index === here) return !exclusive;
  return reverse ? index > here : index < here;
}

/** A running sum or product along an axis. */
function running(name: Name, input: Tensor64, axis: number, flags: Flags): Tensor64 {
  const [along = 0] = axesOf(input.shape.length, axis);
  const length = input.shape[along] ?? 1;
  return build(input.shape, (place) => {
    const flat = (index: number): number =>
      input.shape.reduce((sum, size, other) => sum * size + (other === along ? index : (place[other] ?? 0)), 0);
    let total = name === "cumsum" ? 0 : 1;
    for (let index = 0; index < length; index += 1) {
      if (!isIncluded(index, place[along] ?? 0, flags)) continue;
      const value = input.data[flat(index)] ?? 0;
      total = name === "cumsum" ? total + value : total * value;
    }
    return total;
  });
}

const absolute = (input: Tensor64): Tensor64 => mapTensor(input, Math.abs);

function runningRow(name: Name): OpRow {
  type P = Flags & { readonly shape: Shape; readonly axis: number };
  return row<P>({
    op: `tf.${name}`,
    cases: [
      ...FLAGS.map((flags) => ({ shape: [7], axis: 0, ...flags })),
      ...FLAGS.map((flags) => ({ shape: [2, 3, 5], axis: 1, ...flags })),
      { shape: [3, 4], axis: -1, exclusive: false, reverse: false },
      { shape: [1], axis: 0, exclusive: true, reverse: false },
      { shape: [2, 33], axis: 1, exclusive: false, reverse: true },
    ],
    inputs: ({ shape }) => [draw(name, shape, 27)],
    call: ({ axis, exclusive, reverse }) => call(name, x(0), axis, exclusive, reverse),
    reference: (inputs, p) => running(name, first(inputs), p.axis, p),
    rule: "arithmetic",
    scale: (inputs, p) => running(name, absolute(first(inputs)), p.axis, p),
    terms: ({ shape, axis }) => shape.at(axis) ?? 1,
    ...(name === "cumprod" ? { gradients: [] } : { linear: true }),
  });
}

/** Vectors of several lengths in one case: a shader that was made for one must not serve another. */
function severalRow(name: Name): OpRow {
  type P = Flags & { readonly lengths: readonly number[] };
  const joined = (parts: readonly Tensor64[]): Tensor64 => {
    const data = parts.flatMap((part) => Array.from(part.data));
    return { shape: [data.length], data };
  };
  return row<P>({
    op: `tf.${name} (several lengths)`,
    cases: FLAGS.map((flags) => ({ lengths: [6, 3, 9], ...flags })),
    inputs: ({ lengths }) => lengths.map((length, index) => draw(name, [length], 28 + index)),
    call: ({ lengths, exclusive, reverse }) =>
      call(
        "concat",
        lengths.map((_, index) => call(name, x(index), 0, exclusive, reverse)),
      ),
    reference(inputs, p) {
      if (new Set(p.lengths).size < Math.max(p.lengths.length, 2)) throw new InvalidCase("lengths");
      return joined(inputs.map((input) => running(name, input, 0, p)));
    },
    rule: "arithmetic",
    scale: (inputs, p) => joined(inputs.map((input) => running(name, absolute(input), 0, p))),
    terms: ({ lengths }) => Math.max(...lengths),
    gradients: [],
  });
}

/** Running sums and products. */
export function runningRows(): OpRow[] {
  return (["cumsum", "cumprod"] as const).flatMap((name) => [severalRow(name), runningRow(name)]);
}
