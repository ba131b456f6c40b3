import { floats, integers } from "../case-values.ts";
import { call, pick, x } from "../op-call.ts";
import { type OpRow, row } from "../op-row.ts";
import { at, axesOf, build, InvalidCase, transposed } from "../tensor64.ts";
import { first } from "./parametric.ts";

type Shape = readonly number[];

function joinRows(): OpRow[] {
  type Join = { readonly shapes: readonly Shape[]; readonly axis: number };
  const parts = ({ shapes }: Join): ReturnType<typeof floats>[] =>
    shapes.map((shape, index) => floats(shape, 92 + index));
  const inputMarks = ({ shapes }: Join): ReturnType<typeof x>[] => shapes.map((_, index) => x(index));
  return [
    row<Join>({
      op: "tf.concat",
      cases: [
        { shapes: [[2], [3]], axis: 0 },
        {
          shapes: [
            [2, 3],
            [2, 1],
            [2, 2],
          ],
          axis: 1,
        },
        {
          shapes: [
            [1, 3],
            [2, 3],
          ],
          axis: 0,
        },
        {
          shapes: [
            [2, 2, 3],
            [2, 1, 3],
          ],
          axis: -2,
        },
        {
          shapes: [
            [1, 2, 2, 1],
            [1, 2, 2, 3],
          ],
          axis: 3,
        },
        {
          shapes: [
            [2, 1],
            [2, 1],
            [2, 1],
            [2, 1],
            [2, 1],
          ],
          axis: 1,
        },
        { shapes: [[3], [0], [2]], axis: 0 },
      ],
      inputs: parts,
      call: (p) => call("concat", inputMarks(p), p.axis),
      reference(inputs, { axis }) {
        const shape = first(inputs).shape;
        const [along = 0] = axesOf(shape.length, axis);
        const total = inputs.reduce((sum, input) => sum + (input.shape[along] ?? 0), 0);
        return build(
          shape.map((size, index) => (index === along ? total : size)),
          (place) => {
            let rest = place[along] ?? 0;
            for (const input of inputs) {
              const length = input.shape[along] ?? 0;
              if (rest < length)
                return at(
                  input,
                  place.map((index, other) => (other === along ? rest : index)),
                );
              rest -= length;
            }
            throw new InvalidCase("behind the last part");
          },
        );
      },
      rule: "exact",
      linear: true,
    }),
    row<Join>({
      op: "tf.stack",
      cases: [
        { shapes: [[3], [3]], axis: 0 },
        {
          shapes: [
            [2, 3],
            [2, 3],
            [2, 3],
          ],
          axis: 1,
        },
        {
          shapes: [
            [2, 3],
            [2, 3],
          ],
          axis: 2,
        },
        { shapes: [[], []], axis: 0 },
      ],
      inputs: parts,
      call: (p) => call("stack", inputMarks(p), p.axis),
      reference: (inputs, { axis }) =>
        build(first(inputs).shape.toSpliced(axis, 0, inputs.length), (place) =>
          at(inputs[place[axis] ?? -1] ?? { shape: [], data: [] }, place.toSpliced(axis, 1)),
        ),
      rule: "exact",
      linear: true,
    }),
  ];
}

function partRows(): OpRow[] {
  type Split = { readonly shape: Shape; readonly sizes: Shape; readonly axis: number; readonly part: number };
  type Unstack = { readonly shape: Shape; readonly axis: number; readonly part: number };
  return [
    row<Split>({
      op: "tf.split",
      cases: [
        { shape: [6], sizes: [2, 4], axis: 0, part: 1 },
        { shape: [3, 5], sizes: [1, 2, 2], axis: 1, part: 1 },
        { shape: [2, 4, 3], sizes: [2, 2], axis: 1, part: 0 },
        { shape: [2, 3, 2, 4], sizes: [1, 3], axis: 3, part: 1 },
      ],
      inputs: ({ shape }) => [floats(shape, 98)],
      call: ({ sizes, axis, part }) => pick(part, call("split", x(0), sizes, axis)),
      reference(inputs, { shape, sizes, axis, part }) {
        const before = sizes.slice(0, part).reduce((sum, size) => sum + size, 0);
        if (sizes.reduce((sum, size) => sum + size, 0) !== shape[axis]) throw new InvalidCase("sizes of parts");
        return build(shape.with(axis, sizes[part] ?? -1), (place) =>
          at(first(inputs), place.with(axis, before + (place[axis] ?? 0))),
        );
      },
      rule: "exact",
      linear: true,
    }),
    row<Unstack>({
      op: "tf.unstack",
      cases: [
        { shape: [3, 5], axis: 0, part: 2 },
        { shape: [2, 3, 4], axis: 1, part: 0 },
        { shape: [2, 3, 2], axis: 2, part: 1 },
      ],
      inputs: ({ shape }) => [floats(shape, 99)],
      call: ({ axis, part }) => pick(part, call("unstack", x(0), axis)),
      reference: (inputs, { shape, axis, part }) =>
        build(shape.toSpliced(axis, 1), (place) => at(first(inputs), place.toSpliced(axis, 0, part))),
      rule: "exact",
      linear: true,
    }),
    row<{ readonly shape: Shape; readonly order: Shape }>({
      op: "tf.transpose (int32)",
      cases: [
        { shape: [2, 3], order: [1, 0] },
        { shape: [2, 3, 4], order: [1, 2, 0] },
      ],
      inputs: ({ shape }) => [integers(shape, -70_000, 70_000, 100)],
      call: ({ order }) => call("transpose", x(0), order),
      reference: (inputs, { order }) => transposed(first(inputs), order),
      rule: "exact",
      dtype: () => "int32",
    }),
  ];
}

/** Joining tensors, and taking them apart. */
export function joiningRows(): OpRow[] {
  return [...joinRows(), ...partRows()];
}
