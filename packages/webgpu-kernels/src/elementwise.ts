import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels } from "@thaw/core";
import { activatedWgsl, activationOf, limitUniform, limitValue, passedWgsl } from "./activation.ts";
import type { Commands } from "./commands.ts";
import { type Lane, laneOf, lanesOf, laneWidth, type Program, variants } from "./program.ts";
import { ROWS_WGSL, SPLIT_UNIFORMS, splitRows, standWgsl, type Team } from "./teams.ts";

type ElementwiseKernel = "relu" | "reluGradient" | "add" | "multiply" | "biasAdd";

const THREADS = 64;
/** Elements (or vectors) of a thread. */
const PER_THREAD = 4;
const MOST_GROUPS = 65_535;

/** What is computed of `a` and `b`, element by element. */
type Operation = "add" | "multiply" | "reluGradient" | "limitedGradient";

const EXPRESSIONS: Readonly<Record<Operation, string>> = {
  add: "a[i] + b[i]",
  multiply: "a[i] * b[i]",
  reluGradient: "passed(a[i], b[i])",
  limitedGradient: "passed(a[i], b[i])",
};

/** WGSL: each thread's elements, neighbours beside each other. */
const loopWgsl = (body: string): string => `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < u.size; i += groups.x * ${THREADS}u) { ${body} }
}`;

const binary = variants((lane: Lane, operation: Operation): Program => {
  const activation = operation === "limitedGradient" ? "limited" : operation === "reluGradient" ? "relu" : "none";
  return {
    name: `${operation} ${lane}`,
    reads: { a: lane, b: lane },
    writes: { result: lane },
    uniforms: { size: "u32", ...limitUniform(activation) },
    wgsl: () => `${passedWgsl(activation, lane)}${loopWgsl(`result[i] = ${EXPRESSIONS[operation]};`)}`,
  };
});

const reluProgram = variants(
  (lane: Lane, activation: "relu" | "limited"): Program => ({
    name: `relu ${lane} ${activation}`,
    reads: { x: lane },
    writes: { y: lane },
    uniforms: { size: "u32", ...limitUniform(activation) },
    wgsl: () => `${activatedWgsl(activation, lane)}${loopWgsl("y[i] = activated(x[i]);")}`,
  }),
);

const biasAddProgram = variants((lane: Lane, team: Team) => ({
  name: `biasAdd ${lane} ${team}`,
  reads: { x: lane, bias: lane },
  writes: { y: lane },
  uniforms: SPLIT_UNIFORMS,
  wgsl: () => `
${standWgsl(team)}
  if (!works) { return; }
  let shift = bias[lane];
  ${ROWS_WGSL} { y[i] = x[i] + shift; }
}`,
}));

/** Kernels that work element by element. */
export function elementwiseKernels(commands: Commands, team: Team): Pick<Kernels<Tensor>, ElementwiseKernel> {
  const groupsOf = (size: number): readonly [number] => [Math.min(Math.ceil(size / THREADS / PER_THREAD), MOST_GROUPS)];

  function combine(operation: Operation, a: Tensor, b: Tensor, maxValue: number | null = null): Tensor {
    const lane = laneOf(a.size);
    const size = a.size / laneWidth(lane);
    const result = commands.make(a.shape);
    commands.run(binary(lane, operation), { a, b }, { result }, { size, ...limitValue(maxValue) }, groupsOf(size));
    return result;
  }

  return {
    add: (a, b) => combine("add", a, b),
    multiply: (a, b) => combine("multiply", a, b),
    reluGradient: (dy, y, maxValue) => combine(maxValue === null ? "reluGradient" : "limitedGradient", dy, y, maxValue),

    relu(x, maxValue) {
      const lane = laneOf(x.size);
      const size = x.size / laneWidth(lane);
      const y = commands.make(x.shape);
      const program = reluProgram(lane, activationOf(maxValue) === "limited" ? "limited" : "relu");
      commands.run(program, { x }, { y }, { size, ...limitValue(maxValue) }, groupsOf(size));
      return y;
    },

    biasAdd(x, bias) {
      const { lane, lanes } = lanesOf(bias.size);
      const rows = x.size / bias.size;
      const { sizes, groups } = splitRows(team, rows, lanes);
      const y = commands.make(x.shape);
      commands.run(biasAddProgram(lane, team), { x, bias }, { y }, sizes, groups);
      return y;
    },
  };
}
