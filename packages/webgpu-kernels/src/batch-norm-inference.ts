import { type Activation, activatedWgsl, limitUniform, passedWgsl } from "./activation.ts";
import { type Lane, type Program, variants } from "./program.ts";
import { ROWS_WGSL, SPLIT_UNIFORMS, standWgsl, type Team } from "./teams.ts";

/** Normalises by given statistics. */
export const inferenceBatchNorm: (lane: Lane, activation: Activation, team: Team) => Program = variants(
  (lane, activation, team) => ({
    name: `inferenceBatchNorm ${lane} ${activation} ${team}`,
    reads: { x: lane, gamma: lane, beta: lane, mean: lane, variance: lane },
    writes: { y: lane },
    uniforms: { ...SPLIT_UNIFORMS, epsilon: "f32", ...limitUniform(activation) },
    wgsl: () => `${activatedWgsl(activation, lane)}
${standWgsl(team)}
  if (!works) { return; }
  let center = mean[lane];
  let scale = gamma[lane] * inverseSqrt(variance[lane] + u.epsilon);
  let shift = beta[lane];
  ${ROWS_WGSL} { y[i] = activated((x[i] - center) * scale + shift); }
}`,
  }),
);

/** dx = dy · gamma / deviation, where the ReLU lets dy through. */
export const inferenceInputGradient: (lane: Lane, activation: Activation, team: Team) => Program = variants(
  (lane, activation, team) => ({
    name: `inferenceInputGradient ${lane} ${activation} ${team}`,
    reads: { dy: lane, gamma: lane, variance: lane, ...(activation === "none" ? {} : { y: lane }) },
    writes: { dx: lane },
    uniforms: { ...SPLIT_UNIFORMS, epsilon: "f32", ...limitUniform(activation) },
    wgsl: () => `${passedWgsl(activation, lane)}
${standWgsl(team)}
  if (!works) { return; }
  let scale = gamma[lane] * inverseSqrt(variance[lane] + u.epsilon);
  ${ROWS_WGSL} {
    dx[i] = passed(dy[i], ${activation === "none" ? "dy[i]" : "y[i]"}) * scale;
  }
}`,
  }),
);

/** `[4, channels]` as the forward pass leaves it for the gradient: mean, gamma / deviation, beta, 1 / deviation. */
export const batchNormCoefficients: (lane: Lane) => Program = variants((lane) => ({
  name: `batchNormCoefficients ${lane}`,
  reads: { gamma: lane, beta: lane, mean: lane, variance: lane },
  writes: { coefficients: lane },
  uniforms: { lanes: "u32", epsilon: "f32" },
  wgsl: () => `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let lane = id.x;
  if (lane >= u.lanes) { return; }
  let inverse = inverseSqrt(variance[lane] + u.epsilon);
  coefficients[lane] = mean[lane];
  coefficients[lane + u.lanes] = gamma[lane] * inverse;
  coefficients[lane + 2u * u.lanes] = beta[lane];
  coefficients[lane + 3u * u.lanes] = inverse;
}`,
}));

/** `moving · momentum + value · (1 - momentum)` of mean and variance. */
export const movingPair: Program<
  "movingMean" | "movingVariance" | "mean" | "variance",
  "nextMean" | "nextVariance",
  "size" | "kept" | "added"
> = {
  name: "movingPair",
  reads: { movingMean: "f32", movingVariance: "f32", mean: "f32", variance: "f32" },
  writes: { nextMean: "f32", nextVariance: "f32" },
  uniforms: { size: "u32", kept: "f32", added: "f32" },
  wgsl: () => `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= u.size) { return; }
  nextMean[id.x] = movingMean[id.x] * u.kept + mean[id.x] * u.added;
  nextVariance[id.x] = movingVariance[id.x] * u.kept + variance[id.x] * u.added;
}`,
};
