import { floats } from "../case-values.ts";
import { call, x } from "../op-call.ts";
import { type CaseInput, type OpRow, row } from "../op-row.ts";
import { broadcastShape, build, eachPosition, InvalidCase, mapTensor, type Tensor64 } from "../tensor64.ts";
import { first, second } from "./parametric.ts";

type Shape = readonly number[];

function matMul(a: Tensor64, b: Tensor64, transposeA: boolean, transposeB: boolean): Tensor64 {
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const sizes = (tensor: Tensor64, swap: boolean): readonly [number, number] => {
    const [rows = 0, columns = 0] = tensor.shape.slice(-2);
    return swap ? [columns, rows] : [rows, columns];
  };
  const [[rows, inner], [innerB, columns]] = [sizes(a, transposeA), sizes(b, transposeB)];
  if (inner !== innerB) throw new InvalidCase(`inner sizes ${inner} and ${innerB}`);
  const read = (tensor: Tensor64, place: readonly number[], row: number, column: number, swap: boolean): number => {
    const [height = 0, width = 0] = tensor.shape.slice(-2);
    const skip = batch.length - (tensor.shape.length - 2);
    const matrix = tensor.shape
      .slice(0, -2)
      .reduce((flat, size, axis) => flat * size + (size === 1 ? 0 : (place[axis + skip] ?? 0)), 0);
    const [r, c] = swap ? [column, row] : [row, column];
    return tensor.data[(matrix * height + r) * width + c] ?? Number.NaN;
  };
  return build([...batch, rows, columns], (place) => {
    const [row = 0, column = 0] = place.slice(-2);
    let sum = 0;
    for (let k = 0; k < inner; k += 1)
      sum += read(a, place, row, k, transposeA) * read(b, place, k, column, transposeB);
    return sum;
  });
}

/** Any Einstein summation over explicit letters: each letter of the equation runs over its size. */
function einsum(equation: string, operands: readonly Tensor64[]): Tensor64 {
  const [left = "", right = ""] = equation.split("->");
  const terms = left.split(",");
  const letters = [...new Set([...right, ...left.replaceAll(",", "")])];
  const sizes = letters.map((letter) => {
    const found = terms.flatMap((term, index) =>
      [...term].flatMap((l, axis) => (l === letter ? [operands[index]?.shape[axis] ?? 0] : [])),
    );
    if (new Set(found).size !== 1) throw new InvalidCase(`sizes of ${letter}: ${found}`);
    return found[0] ?? 0;
  });
  const flat = (word: string, place: readonly number[]): number =>
    [...word].reduce(
      (index, letter) => index * (sizes[letters.indexOf(letter)] ?? 1) + (place[letters.indexOf(letter)] ?? 0),
      0,
    );
  const result = new Float64Array([...right].reduce((size, letter) => size * (sizes[letters.indexOf(letter)] ?? 1), 1));
  eachPosition(sizes, (place) => {
    const product = terms.reduce((value, term, index) => value * (operands[index]?.data[flat(term, place)] ?? 0), 1);
    const at = flat(right, place);
    result[at] = (result[at] ?? 0) + product;
  });
  return { shape: [...right].map((letter) => sizes[letters.indexOf(letter)] ?? 1), data: result };
}

const absolute = (inputs: readonly Tensor64[]): Tensor64[] => inputs.map((input) => mapTensor(input, Math.abs));

function matMulRow(): OpRow {
  type P = {
    readonly batchA: Shape;
    readonly batchB: Shape;
    readonly rows: number;
    readonly inner: number;
    readonly columns: number;
    readonly transposeA: boolean;
    readonly transposeB: boolean;
  };
  const flips = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));
  const sizes = [
    { batchA: [], batchB: [], rows: 3, inner: 5, columns: 2 },
    { batchA: [2], batchB: [2], rows: 2, inner: 3, columns: 4 },
    { batchA: [2], batchB: [1], rows: 2, inner: 3, columns: 2 },
    { batchA: [1], batchB: [3], rows: 2, inner: 3, columns: 2 },
    { batchA: [2, 1], batchB: [1, 3], rows: 2, inner: 2, columns: 2 },
    { batchA: [2], batchB: [], rows: 2, inner: 3, columns: 2 },
    { batchA: [], batchB: [2], rows: 2, inner: 3, columns: 2 },
  ];
  const odd = [
    { batchA: [], batchB: [], rows: 1, inner: 1, columns: 1 },
    { batchA: [], batchB: [], rows: 1, inner: 33, columns: 1 },
    { batchA: [], batchB: [], rows: 17, inner: 2, columns: 5 },
    { batchA: [], batchB: [], rows: 1, inner: 5, columns: 9 },
    { batchA: [], batchB: [], rows: 5, inner: 1025, columns: 1 },
    { batchA: [], batchB: [], rows: 2, inner: 300, columns: 2 },
  ];
  const matrix = (batch: Shape, rows: number, columns: number, swap: boolean, seed: number): CaseInput =>
    floats([...batch, ...(swap ? [columns, rows] : [rows, columns])], seed);
  return row<P>({
    op: "tf.matMul",
    cases: [
      ...sizes.flatMap((size) => flips.map((flip) => ({ ...size, ...flip }))),
      ...odd.map((size) => ({ ...size, transposeA: false, transposeB: false })),
      ...odd.slice(2, 4).map((size) => ({ ...size, transposeA: true, transposeB: true })),
    ],
    inputs: ({ batchA, batchB, rows, inner, columns, transposeA, transposeB }) => [
      matrix(batchA, rows, inner, transposeA, 31),
      matrix(batchB, inner, columns, transposeB, 32),
    ],
    call: ({ transposeA, transposeB }) => call("matMul", x(0), x(1), transposeA, transposeB),
    reference: (inputs, p) => matMul(first(inputs), second(inputs), p.transposeA, p.transposeB),
    rule: "sum",
    scale: "magnitudes",
    terms: ({ inner }) => inner,
    linear: true,
    gradients: ({ inner }) => (inner > 300 ? [] : [0, 1]),
  });
}

function einsumRow(): OpRow {
  type P = { readonly equation: string; readonly a: Shape; readonly b: Shape | null };
  const operands = (inputs: readonly Tensor64[]): readonly Tensor64[] => inputs;
  return row<P>({
    op: "tf.einsum",
    cases: [
      { equation: "ij,jk->ik", a: [2, 3], b: [3, 4] },
      { equation: "ij,jk->ki", a: [2, 3], b: [3, 4] },
      { equation: "bij,bjk->bik", a: [2, 2, 3], b: [2, 3, 2] },
      { equation: "i,j->ij", a: [3], b: [4] },
      { equation: "i,i->", a: [5], b: [5] },
      { equation: "ij->ji", a: [2, 3], b: null },
      { equation: "ij->i", a: [2, 3], b: null },
      { equation: "ijk->", a: [2, 3, 2], b: null },
      { equation: "abc,cd->abd", a: [2, 3, 2], b: [2, 3] },
      { equation: "abcd,aecd->acbe", a: [1, 2, 3, 2], b: [1, 4, 3, 2] },
      { equation: "ij,ij->ij", a: [2, 3], b: [2, 3] },
      { equation: "ij,j->i", a: [2, 3], b: [3] },
    ],
    inputs: ({ a, b }) => [floats(a, 33), ...(b === null ? [] : [floats(b, 34)])],
    call: ({ equation, b }) => (b === null ? call("einsum", equation, x(0)) : call("einsum", equation, x(0), x(1))),
    reference: (inputs, { equation }) => einsum(equation, operands(inputs)),
    rule: "sum",
    scale: (inputs, { equation }) => einsum(equation, absolute(inputs)),
    terms: () => 30,
    gradients: [],
  });
}

function simpleRow(name: "dot" | "outerProduct", equation: string, a: Shape, b: Shape): OpRow {
  return row<{ readonly a: Shape; readonly b: Shape }>({
    op: name === "dot" ? `tf.dot (${a.length}-D, ${b.length}-D)` : `tf.${name}`,
    cases: [{ a, b }],
    inputs: (p) => [floats(p.a, 35), floats(p.b, 36)],
    call: () => call(name, x(0), x(1)),
    reference: (inputs) => einsum(equation, inputs),
    rule: "sum",
    scale: "magnitudes",
    terms: (p) => p.a.at(-1) ?? 1,
    linear: true,
  });
}

/** Products of matrices. */
export function matrixRows(): OpRow[] {
  return [
    matMulRow(),
    einsumRow(),
    simpleRow("dot", "i,i->", [5], [5]),
    simpleRow("dot", "ij,j->i", [2, 5], [5]),
    simpleRow("dot", "i,ij->j", [3], [3, 4]),
    simpleRow("dot", "ij,jk->ik", [2, 3], [3, 4]),
    simpleRow("outerProduct", "i,j->ij", [3], [4]),
  ];
}
