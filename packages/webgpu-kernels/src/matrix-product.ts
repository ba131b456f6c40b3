import { type Program, variants } from "./program.ts";

/** Rows of a thread's tile. */
export const TILE_ROWS = 8;
/** Columns of a thread's tile: two vectors. */
export const TILE_COLUMNS = 8;
/** Threads of a workgroup. */
export const TILE_THREADS = 64;

const each = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");

/** WGSL: the tile of a thread, columns running fastest, so that neighbours share rows and write side by side. */
const TILE_WGSL = `
@compute @workgroup_size(${TILE_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tiles = (u.columns + 1u) / 2u;
  let place = id.x / tiles;
  let row = place * ${TILE_ROWS}u;
  let column = (id.x - place * tiles) * 2u;
  if (row >= u.rows) { return; }
  let next = min(column + 1u, u.columns - 1u);`;

/** WGSL: one step of four along the depth of `a · b`, with `b` `[depth, columns]`. */
const STRAIGHT_STEP = `
${each(4, (k) => `    let b${k}0 = b[(4u * k + ${k}u) * u.columns + column];\n    let b${k}1 = b[(4u * k + ${k}u) * u.columns + next];`)}
${each(
  TILE_ROWS,
  (m) => `    let a${m} = a[r${m} + k];
    s${m}0 += a${m}.x * b00 + a${m}.y * b10 + a${m}.z * b20 + a${m}.w * b30;
    s${m}1 += a${m}.x * b01 + a${m}.y * b11 + a${m}.z * b21 + a${m}.w * b31;`,
)}`;

/** WGSL: the same with `b` `[columns, depth]`, read in place. */
const TRANSPOSED_STEP = `
${each(4, (j) => `    let b${j}0 = b[(4u * column + ${j}u) * u.depth + k];\n    let b${j}1 = b[(4u * next + ${j}u) * u.depth + k];`)}
${each(
  TILE_ROWS,
  (m) => `    let a${m} = a[r${m} + k];
    s${m}0 += vec4f(dot(a${m}, b00), dot(a${m}, b10), dot(a${m}, b20), dot(a${m}, b30));
    s${m}1 += vec4f(dot(a${m}, b01), dot(a${m}, b11), dot(a${m}, b21), dot(a${m}, b31));`,
)}`;

/**
 * `[rows, depth] · [depth, columns]`, or with `transposed` `[rows, depth] · [columns, depth]ᵀ`. A thread computes a tile
 * of 8 × 8: 16 loads for 256 products. No workgroup memory: loads from it cost more than from storage where a CPU
 * emulates the GPU, and a GPU's cache serves neighbours that read the same. Depth and columns count vectors of four.
 */
export const matrixProduct: (transposed: boolean) => Program = variants((transposed) => ({
  name: transposed ? "matrixProduct transposed" : "matrixProduct",
  reads: { a: "vec4f", b: "vec4f" },
  writes: { product: "vec4f" },
  uniforms: { rows: "u32", depth: "u32", columns: "u32" } as const,
  wgsl: () => `${TILE_WGSL}
${each(TILE_ROWS, (m) => `  let r${m} = min(row + ${m}u, u.rows - 1u) * u.depth;\n  var s${m}0 = vec4f();\n  var s${m}1 = vec4f();`)}
  for (var k = 0u; k < u.depth; k++) {
${transposed ? TRANSPOSED_STEP : STRAIGHT_STEP}
  }
  let both = column + 1u < u.columns;
${each(
  TILE_ROWS,
  (m) => `  if (row + ${m}u < u.rows) {
    product[(row + ${m}u) * u.columns + column] = s${m}0;
    if (both) { product[(row + ${m}u) * u.columns + next] = s${m}1; }
  }`,
)}
}`,
}));

/** WGSL: `count` rows of the depth of `aᵀ · b` added to the sums. */
const outerStep = (count: number): string => {
  const rows = Array.from({ length: count }, (_, index) => index);
  const loads = rows.map(
    (o) => `    let a0${o} = a[(k + ${o}u) * u.rows + row];
    let a1${o} = a[(k + ${o}u) * u.rows + below];
    let b0${o} = b[(k + ${o}u) * u.columns + column];
    let b1${o} = b[(k + ${o}u) * u.columns + next];`,
  );
  const term = (i: number, j: number) => rows.map((o) => `a${i >> 2}${o}.${"xyzw"[i & 3]} * b${j}${o}`).join(" + ");
  return `${loads.join("\n")}\n${each(8, (i) => `    s${i}0 += ${term(i, 0)};\n    s${i}1 += ${term(i, 1)};`)}`;
};

/**
 * Parts of `[depth, rows]ᵀ · [depth, columns]`: each sums over `part` of the depth, which is all pixels of a batch.
 * Rows and columns count vectors of four.
 */
export const outerProducts: Program<"a" | "b", "products", "rows" | "columns" | "depth" | "part"> = {
  name: "outerProducts",
  reads: { a: "vec4f", b: "vec4f" },
  writes: { products: "vec4f" },
  uniforms: { rows: "u32", columns: "u32", depth: "u32", part: "u32" },
  wgsl: () => `
@compute @workgroup_size(${TILE_THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tiles = (u.columns + 1u) / 2u;
  let place = id.x / tiles;
  let row = place * 2u;
  let column = (id.x - place * tiles) * 2u;
  if (row >= u.rows) { return; }
  let below = min(row + 1u, u.rows - 1u);
  let next = min(column + 1u, u.columns - 1u);
${each(8, (i) => `  var s${i}0 = vec4f();\n  var s${i}1 = vec4f();`)}
  let end = min(u.depth, (id.y + 1u) * u.part);
  var k = id.y * u.part;
  for (; k + 1u < end; k += 2u) {
${outerStep(2)}
  }
  if (k < end) {
${outerStep(1)}
  }
  let both = column + 1u < u.columns;
  let start = (id.y * u.rows + row) * 4u;
${each(
  8,
  (i) => `  if (${i < 4 ? "true" : "row + 1u < u.rows"}) {
    products[(start + ${i}u) * u.columns + column] = s${i}0;
    if (both) { products[(start + ${i}u) * u.columns + next] = s${i}1; }
  }`,
)}
}`,
};
