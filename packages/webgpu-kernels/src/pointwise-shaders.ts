import { reads, type Shader, unroll, writes } from "./shader.ts";

/** Rows of a thread's block: each load of a kernel value serves so many rows. */
export const BLOCK_ROWS = 4;

/**
 * y[r, n] = Σ_k x[r, k] w[k, n]: a thread owns BLOCK_ROWS rows × 4 columns. Neighbouring threads own neighbouring
 * columns of the same rows.
 */
export const PRODUCT: Shader = {
  key: "product",
  bindings: [reads("x"), reads("w"), writes("y")],
  params: [
    ["rows", "u32"],
    ["inner4", "u32"],
    ["columns4", "u32"],
  ],
  workgroupSize: 64,
  body: `
  let column = id % p.columns4;
  let first = id / p.columns4 * ${BLOCK_ROWS}u;
  if (first >= p.rows) { return; }
${unroll(BLOCK_ROWS, (r) => `  var sum${r} = vec4f(0); let at${r} = min(first + ${r}u, p.rows - 1u) * p.inner4;`)}
  var w_at = column;
  for (var k = 0u; k < p.inner4; k++) {
    let w0 = w[w_at]; let w1 = w[w_at + p.columns4]; let w2 = w[w_at + 2u * p.columns4]; let w3 = w[w_at + 3u * p.columns4];
    w_at += 4u * p.columns4;
${unroll(BLOCK_ROWS, (r) => `    let x${r} = x[at${r} + k]; sum${r} += x${r}.x * w0 + x${r}.y * w1 + x${r}.z * w2 + x${r}.w * w3;`)}
  }
${unroll(BLOCK_ROWS, (r) => `  if (first + ${r}u < p.rows) { y[(first + ${r}u) * p.columns4 + column] = sum${r}; }`)}`,
};

/** dx[r, k] = Σ_n dy[r, n] w[k, n]: the kernel is read as it lies, four of its rows at a time. */
export const PRODUCT_TRANSPOSED: Shader = {
  key: "product-transposed",
  bindings: [reads("dy"), reads("w"), writes("dx")],
  params: [
    ["rows", "u32"],
    ["inner4", "u32"],
    ["columns4", "u32"],
  ],
  workgroupSize: 64,
  body: `
  let column = id % p.columns4;
  let first = id / p.columns4 * ${BLOCK_ROWS}u;
  if (first >= p.rows) { return; }
${unroll(BLOCK_ROWS, (r) => `  var sum${r} = vec4f(0); let at${r} = min(first + ${r}u, p.rows - 1u) * p.inner4;`)}
  let w_at = column * 4u * p.inner4;
  for (var n = 0u; n < p.inner4; n++) {
    let w0 = w[w_at + n]; let w1 = w[w_at + p.inner4 + n]; let w2 = w[w_at + 2u * p.inner4 + n]; let w3 = w[w_at + 3u * p.inner4 + n];
    let c0 = vec4f(w0.x, w1.x, w2.x, w3.x); let c1 = vec4f(w0.y, w1.y, w2.y, w3.y);
    let c2 = vec4f(w0.z, w1.z, w2.z, w3.z); let c3 = vec4f(w0.w, w1.w, w2.w, w3.w);
${unroll(BLOCK_ROWS, (r) => `    let dy${r} = dy[at${r} + n]; sum${r} += dy${r}.x * c0 + dy${r}.y * c1 + dy${r}.z * c2 + dy${r}.w * c3;`)}
  }
${unroll(BLOCK_ROWS, (r) => `  if (first + ${r}u < p.rows) { dx[(first + ${r}u) * p.columns4 + column] = sum${r}; }`)}`,
};

/** dw[k, n] = Σ_r x[r, k] dy[r, n] over a part of the rows: a thread owns 4 × 4 of the kernel. */
export const OUTER_SUM: Shader = {
  key: "outer-sum",
  bindings: [reads("x"), reads("dy"), writes("parts")],
  params: [
    ["rows", "u32"],
    ["inner4", "u32"],
    ["columns4", "u32"],
    ["partRows", "u32"],
    ["parts", "u32"],
  ],
  workgroupSize: 64,
  body: `
  let column = id % p.columns4;
  let rest = id / p.columns4;
  let k = rest % p.inner4;
  let part = rest / p.inner4;
  if (part >= p.parts) { return; }
  let first = part * p.partRows;
  let end = min(first + p.partRows, p.rows);
  var sum0 = vec4f(0); var sum1 = vec4f(0); var sum2 = vec4f(0); var sum3 = vec4f(0);
  var x_at = first * p.inner4 + k;
  var dy_at = first * p.columns4 + column;
  for (var r = first; r < end; r++) {
    let a = x[x_at];
    let b = dy[dy_at];
    sum0 += a.x * b; sum1 += a.y * b; sum2 += a.z * b; sum3 += a.w * b;
    x_at += p.inner4;
    dy_at += p.columns4;
  }
  let at = (part * p.inner4 + k) * 4u * p.columns4 + column;
  parts[at] = sum0; parts[at + p.columns4] = sum1; parts[at + 2u * p.columns4] = sum2; parts[at + 3u * p.columns4] = sum3;`,
};
