import { reads, type Shader, writes } from "./shader.ts";

/** Adam over flat vectors, in place; the formulas and their order are core's. */
export const ADAM: Shader = {
  key: "adam",
  bindings: [writes("weights", "f32"), reads("gradients", "f32"), writes("mean", "f32"), writes("square", "f32")],
  params: [
    ["size", "u32"],
    ["stepSize", "f32"],
    ["rate1", "f32"],
    ["rate2", "f32"],
    ["epsilon", "f32"],
  ],
  workgroupSize: 64,
  body: `
  if (id >= p.size) { return; }
  let g = gradients[id];
  let m = mean[id] + (g - mean[id]) * p.rate1;
  let v = square[id] + (g * g - square[id]) * p.rate2;
  mean[id] = m;
  square[id] = v;
  weights[id] -= m * p.stepSize / (sqrt(v) + p.epsilon);`,
};
