import type { Lane, UniformType } from "./program.ts";

/** What is applied behind a normalisation. */
export type Activation = "none" | "relu" | "limited";

/** The activation of a ReLU with this upper limit; undefined is no ReLU. */
export function activationOf(maxValue: number | null | undefined): Activation {
  if (maxValue === undefined) return "none";
  return maxValue === null ? "relu" : "limited";
}

/** The uniform that an activation needs. */
export function limitUniform(activation: Activation): { readonly limit?: UniformType } {
  return activation === "limited" ? { limit: "f32" } : {};
}

/** The value of {@link limitUniform}. */
export function limitValue(maxValue: number | null | undefined): { readonly limit?: number } {
  return typeof maxValue === "number" ? { limit: maxValue } : {};
}

/** WGSL `activated(z)`. By comparisons, which let a NaN through; `min` and `max` may swallow it. */
export function activatedWgsl(activation: Activation, lane: Lane): string {
  const body = {
    none: "z",
    relu: `select(z, ${lane}(), z < ${lane}())`,
    limited: `select(select(z, ${lane}(), z < ${lane}()), ${lane}(u.limit), z > ${lane}(u.limit))`,
  }[activation];
  return `fn activated(z: ${lane}) -> ${lane} { return ${body}; }`;
}

/** WGSL `passed(dy, z)`: the gradient where the activation lets it through; `z` is its input or its output. */
export function passedWgsl(activation: Activation, lane: Lane): string {
  const inside = {
    none: "",
    relu: `z > ${lane}()`,
    limited: `(z > ${lane}()) & (z < ${lane}(u.limit))`,
  }[activation];
  const body = inside === "" ? "dy" : `select(${lane}(), dy, ${inside})`;
  return `fn passed(dy: ${lane}, z: ${lane}) -> ${lane} { return ${body}; }`;
}
