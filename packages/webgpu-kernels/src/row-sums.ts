import type { Tensor } from "@tensorflow/tfjs-core";
import { sizeOf } from "@thaw/core";
import type { Commands } from "./commands.ts";
import { type Lane, laneOf, laneWidth, variants } from "./program.ts";
import { ROWS_WGSL, SPLIT_UNIFORMS, splitSums, standWgsl, TEAM_THREADS, type Team } from "./teams.ts";

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
    ${ROWS_WGSL} { sum += x[i]; }
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
  const lane = laneOf(size);
  const { sizes, groups } = splitSums(team, x.size / size, size / laneWidth(lane));
  const sums = commands.make(sizes.parts === 1 ? shape : [sizes.parts, size]);
  commands.run(rowSums(lane, team), { x }, { sums }, sizes, groups);
  if (sizes.parts === 1) return sums;
  const total = sumRows(commands, team, sums, shape);
  sums.dispose();
  return total;
}
