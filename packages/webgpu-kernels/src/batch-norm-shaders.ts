import { reads, type Shader, writes } from "./shader.ts";

// Channels are the fastest axis: thread i owns four of them (c = i mod channels4) over a run of rows, so neighbouring
// threads read neighbouring values. `parts` are the partial results of runs of rows, two fours of channels each.
// `coefficients` are mean, slope γ/σ, shift β and 1/σ by channel: all that backward needs to know of forward.

/** What is computed behind the normalisation. */
export type Activation = "none" | "relu";

type Params = Shader["params"];

const PARTS: Params = [
  ["rows", "u32"],
  ["channels4", "u32"],
  ["partRows", "u32"],
  ["parts", "u32"],
  ["epsilon", "f32"],
];

const RUNS: Params = [
  ["rows", "u32"],
  ["channels4", "u32"],
  ["threadRows", "u32"],
  ["parts", "u32"],
  ["epsilon", "f32"],
  ["limit", "f32"],
  ["partRows", "u32"],
];

/** Mean and sum of squared deviations of each part. Deviations are taken from the part's first value: no cancellation. */
export const MOMENTS: Shader = {
  key: "moments",
  bindings: [reads("x"), writes("parts")],
  params: PARTS,
  workgroupSize: 64,
  body: `
  let c = id % p.channels4;
  let part = id / p.channels4;
  if (part >= p.parts) { return; }
  let first = part * p.partRows;
  let count = min(p.partRows, p.rows - first);
  var at = first * p.channels4 + c;
  let origin = x[at];
  var sum = vec4f(0); var squares = vec4f(0);
  for (var r = 1u; r < count; r++) {
    at += p.channels4;
    let d = x[at] - origin;
    sum += d;
    squares += d * d;
  }
  let mean = sum / f32(count);
  parts[part * 2u * p.channels4 + c] = origin + mean;
  parts[(part * 2u + 1u) * p.channels4 + c] = squares - sum * mean;`,
};

/** Merges the parts' moments by Chan's formula. */
const MERGE_MOMENTS = `
  var mean = parts[c];
  var squared = parts[p.channels4 + c];
  var count = f32(min(p.partRows, p.rows));
  for (var part = 1u; part < p.parts; part++) {
    let n = f32(min(p.partRows, p.rows - part * p.partRows));
    let total = count + n;
    let d = parts[part * 2u * p.channels4 + c] - mean;
    mean += d * (n / total);
    squared += parts[(part * 2u + 1u) * p.channels4 + c] + d * d * (count * n / total);
    count = total;
  }
  let variance = select(squared, vec4f(0), squared < vec4f(0)) / f32(p.rows);`;

/** The channel's constants. */
const SLOPE = `
  let inverse = inverseSqrt(variance + p.epsilon);
  let slope = gamma[c] * inverse;
  let shift = beta[c];`;

const WRITE_STATISTICS = `
  mean_out[c] = mean;
  variance_out[c] = variance;
  coefficients[c] = mean;
  coefficients[p.channels4 + c] = slope;
  coefficients[2u * p.channels4 + c] = shift;
  coefficients[3u * p.channels4 + c] = inverse;`;

const READ_COEFFICIENTS = `
  let mean = coefficients[c];
  let slope = coefficients[p.channels4 + c];
  let shift = coefficients[2u * p.channels4 + c];
  let inverse = coefficients[3u * p.channels4 + c];`;

/** Backward it must come out the same to the last bit, or ReLU's mask would not fit. */
const NORMALISED = "(x[at] - mean) * slope + shift";

/** A NaN, which a clamp may swallow, is put back: where a channel has one, its statistics are NaN. */
const POISON = "let poison = (mean - mean) + (slope - slope);";

/** The thread's channels and rows; a thread without rows leaves. */
const RUN = `
  let c = id % p.channels4;
  let first = id / p.channels4 * p.threadRows;
  if (first >= p.rows) { return; }
  let end = min(first + p.threadRows, p.rows);`;

/** Walks the thread's rows. */
const overRows = (statement: string): string => `
  var at = first * p.channels4 + c;
  for (var r = first; r < end; r++) {
    ${statement}
    at += p.channels4;
  }`;

function activated(activation: Activation, value: string, poison: string): string {
  return activation === "none" ? value : `clamp(${value}, vec4f(0), vec4f(p.limit)) + ${poison}`;
}

/** Merges moments that are too many to be merged on the fly. */
export const FINISH_MOMENTS: Shader = {
  key: "finish-moments",
  bindings: [
    reads("parts"),
    reads("gamma"),
    reads("beta"),
    writes("mean_out"),
    writes("variance_out"),
    writes("coefficients"),
  ],
  params: PARTS,
  workgroupSize: 32,
  body: `
  if (id >= p.channels4) { return; }
  let c = id;
${MERGE_MOMENTS}
${SLOPE}
${WRITE_STATISTICS}`,
};

/** y by the coefficients of {@link FINISH_MOMENTS}. */
export const normalise = (activation: Activation): Shader => ({
  key: `normalise-${activation}`,
  bindings: [reads("x"), reads("coefficients"), writes("y")],
  params: RUNS,
  workgroupSize: 64,
  body: `${RUN}
${READ_COEFFICIENTS}
  ${POISON}
${overRows(`y[at] = ${activated(activation, NORMALISED, "poison")};`)}`,
});

/** y straight from a few parts' moments; the threads of the first rows write the statistics. */
export const mergeAndNormalise = (activation: Activation): Shader => ({
  key: `merge-and-normalise-${activation}`,
  bindings: [
    reads("x"),
    reads("gamma"),
    reads("beta"),
    reads("parts"),
    writes("mean_out"),
    writes("variance_out"),
    writes("coefficients"),
    writes("y"),
  ],
  params: RUNS,
  workgroupSize: 64,
  body: `${RUN}
${MERGE_MOMENTS}
${SLOPE}
  if (first == 0u) {${WRITE_STATISTICS}
  }
  ${POISON}
${overRows(`y[at] = ${activated(activation, NORMALISED, "poison")};`)}`,
});

/** The coefficients alone, for a backward pass whose forward pass was another kernel. */
export const COEFFICIENTS: Shader = {
  key: "coefficients",
  bindings: [reads("gamma"), reads("beta"), reads("mean_in"), reads("variance_in"), writes("coefficients")],
  params: PARTS,
  workgroupSize: 32,
  body: `
  if (id >= p.channels4) { return; }
  let c = id;
  let mean = mean_in[c];
  let variance = variance_in[c];
${SLOPE}
  coefficients[c] = mean;
  coefficients[p.channels4 + c] = slope;
  coefficients[2u * p.channels4 + c] = shift;
  coefficients[3u * p.channels4 + c] = inverse;`,
};

/** y by given statistics. A single NaN does not show in them: it is looked for in each value. */
export const inference = (activation: Activation): Shader => ({
  key: `inference-${activation}`,
  bindings: [reads("x"), reads("gamma"), reads("beta"), reads("mean_in"), reads("variance_in"), writes("y")],
  params: RUNS,
  workgroupSize: 64,
  body: `${RUN}
  let mean = mean_in[c];
  let variance = variance_in[c];
${SLOPE}
  ${POISON}
${overRows(`y[at] = ${activated(activation, NORMALISED, "((x[at] - x[at]) + poison)")};`)}`,
});

/** The gradient `g` that passes ReLU, by the forward formula. */
const passed = (activation: Activation): string =>
  activation === "none"
    ? "let g = dy[at];"
    : `let z = ${NORMALISED}; let g = select(vec4f(0), dy[at], (z > vec4f(0)) & (z < vec4f(p.limit)));`;

/** Σ g and Σ g·(x - mean)/σ of each part. */
export const gradientSums = (activation: Activation): Shader => ({
  key: `gradient-sums-${activation}`,
  bindings: [reads("dy"), reads("x"), reads("coefficients"), writes("parts")],
  params: RUNS,
  workgroupSize: 64,
  body: `${RUN}
${READ_COEFFICIENTS}
  var sum = vec4f(0); var product = vec4f(0);
${overRows(`${passed(activation)}
    sum += g;
    product += g * (x[at] - mean);`)}
  let part = first / p.threadRows;
  parts[part * 2u * p.channels4 + c] = sum;
  parts[(part * 2u + 1u) * p.channels4 + c] = product * inverse;`,
});

const MERGE_SUMS = `
  var sum = parts[c]; var product = parts[p.channels4 + c];
  for (var part = 1u; part < p.parts; part++) {
    sum += parts[part * 2u * p.channels4 + c];
    product += parts[(part * 2u + 1u) * p.channels4 + c];
  }`;

/** Merges sums that are too many to be merged on the fly, or when nothing else is asked for. */
export const FINISH_SUMS: Shader = {
  key: "finish-sums",
  bindings: [reads("parts"), writes("d_beta"), writes("d_gamma")],
  params: PARTS,
  workgroupSize: 32,
  body: `
  if (id >= p.channels4) { return; }
  let c = id;
${MERGE_SUMS}
  d_beta[c] = sum;
  d_gamma[c] = product;`,
};

/** dx = γ/σ · (g - Σg/n - (x - mean)/σ · dγ/n), from `sum` and `product`. */
const inputGradient = (activation: Activation): string => `
  let offset = sum / f32(p.rows);
  let tilt = product * inverse / f32(p.rows);
${overRows(`${passed(activation)}
    dx[at] = slope * (g - offset - (x[at] - mean) * tilt);`)}`;

/** dx by finished sums. */
export const inputGradientOf = (activation: Activation): Shader => ({
  key: `input-gradient-${activation}`,
  bindings: [reads("dy"), reads("x"), reads("coefficients"), reads("d_beta"), reads("d_gamma"), writes("dx")],
  params: RUNS,
  workgroupSize: 64,
  body: `${RUN}
${READ_COEFFICIENTS}
  let sum = d_beta[c]; let product = d_gamma[c];
${inputGradient(activation)}`,
});

/** dx straight from a few parts' sums; the threads of the first rows write the weights' gradients. */
export const mergeAndInputGradient = (activation: Activation): Shader => ({
  key: `merge-and-input-gradient-${activation}`,
  bindings: [
    reads("dy"),
    reads("x"),
    reads("coefficients"),
    reads("parts"),
    writes("d_beta"),
    writes("d_gamma"),
    writes("dx"),
  ],
  params: RUNS,
  workgroupSize: 64,
  body: `${RUN}
${READ_COEFFICIENTS}
${MERGE_SUMS}
  if (first == 0u) {
    d_beta[c] = sum;
    d_gamma[c] = product;
  }
${inputGradient(activation)}`,
});

/** dx where the statistics are constants: dy·γ/σ where ReLU, known by its output, let it pass. */
export const inferenceGradient = (activation: Activation): Shader => ({
  key: `inference-gradient-${activation}`,
  bindings: [
    reads("dy"),
    ...(activation === "relu" ? [reads("relu_out")] : []),
    reads("gamma"),
    reads("variance_in"),
    writes("dx"),
  ],
  params: RUNS,
  workgroupSize: 64,
  body: `${RUN}
  let slope = gamma[c] * inverseSqrt(variance_in[c] + p.epsilon);
${overRows(
  activation === "none"
    ? "dx[at] = dy[at] * slope;"
    : "let z = relu_out[at]; dx[at] = select(vec4f(0), dy[at] * slope, (z > vec4f(0)) & (z < vec4f(p.limit)));",
)}`,
});
