import type { Tensor } from "@tensorflow/tfjs-core";
import { sizeOf } from "@thaw/core";
import type { Commands } from "./commands.ts";
import { type Lane, lanesOf, variants } from "./program.ts";
import { blocksWgsl, SPLIT_UNIFORMS, splitSums, standWgsl, TEAM_THREADS, type Team } from "./teams.ts";

/** Sums of parts of the rows of `[rows, lanes]`: `[parts, lanes]`. */
const rowSums = variants((lane: Lane, team: Team) => ({
  name: `rowSums ${lane} ${team}`,
  reads: { x: lane },
  writes: { sums: lane },
  uniforms: SPLIT_UNIFORMS,
  wgsl: () => `
${team === "workgroup" ? `var<workgroup> owns: array<${lane}, ${TEAM_THREADS.workgroup}>;` : ""}
${standWgsl(team)}
  var sum = ${lane}();
  if (works) {
${blocksWgsl("start", `var own = ${lane}();`, "      own += x[i];", "sum += own;")}
  }
${team === "workgroup" ? "  owns[thread] = sum;\n  workgroupBarrier();" : ""}
  if (works && row == 0u) {
${team === "workgroup" ? "    for (var i = 1u; i < u.height; i++) { sum += owns[i * u.width + column]; }" : ""}
    sums[part * u.lanes + lane] = sum;
  }
}`,
}));

/**
 * Sums over the rows of a tensor taken as `[rows, size of shape]`.
 * @param shape the result's
 */
export function sumRows(commands: Commands, team: Team, x: Tensor, shape: readonly number[]): Tensor {
  const size = sizeOf(shape);
  const { lane, lanes } = lanesOf(size);
  const { sizes, groups } = splitSums(team, x.size / size, lanes);
  const sums = commands.make(sizes.parts === 1 ? shape : [sizes.parts, size]);
  commands.run(rowSums(lane, team), { x }, { sums }, sizes, groups);
  return addUp(commands, team, sums, sizes.parts, shape);
}

/**
 * Adds up partial sums and frees them.
 * @param parts `[count, ...]`, or where there is one alone, the result itself
 */
export function addUp(commands: Commands, team: Team, parts: Tensor, count: number, shape: readonly number[]): Tensor {
  if (count === 1) return parts;
  const total = sumRows(commands, team, parts, shape);
  parts.dispose();
  return total;
}
