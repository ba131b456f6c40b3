import { type Lane, type Program, type UniformType, variants } from "./program.ts";

/** Threads of a workgroup. */
export const UPDATE_THREADS = 64;

/** An optimizer with its options. */
export type UpdateForm = "sgd" | "momentum" | "nesterov" | `rmsprop${"" | " momentum"}${"" | " centered"}` | "adam";

interface Update {
  readonly uniforms: Readonly<Record<string, UniformType>>;
  /** WGSL from `weight` and `gradient` and the slots `s0` …: the new `weight` and slots. */
  readonly wgsl: string;
}

const SGD_UNIFORMS = { stepSize: "f32", momentum: "f32" } as const;

function rmsprop(momentum: boolean, centered: boolean): Update {
  const average = momentum ? "s2" : "s1";
  return {
    uniforms: { stepSize: "f32", rho: "f32", rest: "f32", momentum: "f32", epsilon: "f32" },
    wgsl: `
  s0 = s0 * u.rho + gradient * gradient * u.rest;
  ${centered ? `${average} = ${average} * u.rho + gradient * u.rest;` : ""}
  let spread = s0${centered ? ` - ${average} * ${average}` : ""};
  let delta = gradient * u.stepSize / sqrt(spread + u.epsilon);
  ${momentum ? "s1 = s1 * u.momentum + delta;\n  weight -= s1;" : "weight -= delta;"}`,
  };
}

/** The formulas of Keras 3's optimizers, in its order of operations; those of core's plain kernels. */
const UPDATES: Readonly<Record<UpdateForm, Update>> = {
  sgd: { uniforms: SGD_UNIFORMS, wgsl: "weight -= gradient * u.stepSize;" },
  momentum: {
    uniforms: SGD_UNIFORMS,
    wgsl: "s0 = s0 * u.momentum - gradient * u.stepSize;\n  weight += s0;",
  },
  nesterov: {
    uniforms: SGD_UNIFORMS,
    wgsl: `
  let delta = gradient * u.stepSize;
  s0 = s0 * u.momentum - delta;
  weight += s0 * u.momentum - delta;`,
  },
  rmsprop: rmsprop(false, false),
  "rmsprop momentum": rmsprop(true, false),
  "rmsprop centered": rmsprop(false, true),
  "rmsprop momentum centered": rmsprop(true, true),
  adam: {
    uniforms: { stepSize: "f32", fresh1: "f32", fresh2: "f32", epsilon: "f32" },
    wgsl: `
  s0 += (gradient - s0) * u.fresh1;
  s1 += (gradient * gradient - s1) * u.fresh2;
  weight -= s0 * u.stepSize / (sqrt(s1) + u.epsilon);`,
  },
};

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/**
 * Updates up to three weights in place. A workgroup works on one weight: `end` is the first workgroup behind it, and
 * `offset` the weight's place in the slots.
 */
export const updateWeights: (lane: Lane, form: UpdateForm, slots: number, weights: number) => Program = variants(
  (lane, form, slots, weights) => {
    const { uniforms, wgsl } = UPDATES[form];
    const branch = (index: number): string => `
  if (group.x < u.end${index}) {
    let i = (group.x - ${index === 0 ? "0u" : `u.end${index - 1}`}) * ${UPDATE_THREADS}u + thread;
    if (i >= u.size${index}) { return; }
    let at = u.offset${index} + i;
    let gradient = gradient${index}[i];
    var weight = weight${index}[i];
${range(slots)
  .map((slot) => `    var s${slot} = slot${slot}[at];`)
  .join("\n")}
    ${wgsl}
    weight${index}[i] = weight;
${range(slots)
  .map((slot) => `    slot${slot}[at] = s${slot};`)
  .join("\n")}
    return;
  }`;
    const named = (count: number, name: string): [string, Lane][] =>
      range(count).map((index) => [`${name}${index}`, lane]);
    const places = range(weights).flatMap((index): [string, UniformType][] => [
      [`size${index}`, "u32"],
      [`offset${index}`, "u32"],
      [`end${index}`, "u32"],
    ]);
    return {
      name: `updateWeights ${lane} ${form} of ${weights}`,
      reads: Object.fromEntries(named(weights, "gradient")),
      writes: Object.fromEntries([...named(weights, "weight"), ...named(slots, "slot")]),
      uniforms: { ...uniforms, ...Object.fromEntries(places) },
      wgsl: () => `
@compute @workgroup_size(${UPDATE_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
${range(weights).map(branch).join("\n")}
}`,
    };
  },
);
