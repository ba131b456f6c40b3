import { emulatorName } from "./adapter.ts";
import type { Groups } from "./commands.ts";

/**
 * Who sums over rows of `[rows, lanes]`: a workgroup with shared memory, as a GPU likes it, or each thread for itself,
 * where a CPU emulates the GPU. There every barrier switches the stacks of all threads (SwiftShader: over 10 times the
 * time of a batch normalization), and a few threads keep all cores busy.
 */
export type Team = "workgroup" | "thread";

/** The team that suits a device. */
export function teamOf({ adapterInfo }: GPUDevice): Team {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapterInfo;
  const words = `${vendor} ${architecture} ${device} ${description}`;
  return isFallbackAdapter || emulatorName(words) !== null ? "thread" : "workgroup";
}

/** Threads of a workgroup, by team. */
export const TEAM_THREADS = { workgroup: 256, thread: 8 } as const;

/** Threads that are worth starting for rows alone, where a thread works for itself. */
const ENOUGH_THREADS = 32;
/** Rows that a thread should have at least. */
const LEAST_ROWS = 16;
/** Up to so many rows a workgroup takes all of them and needs no second dispatch. */
const WHOLE_ROWS = 1200;
/** Lanes of such a workgroup at least: few, so that there are several workgroups, unless few rows left threads idle. */
const WHOLE_WIDTH = 4;
const WIDTH = 16;
const MOST_PARTS = 64;
/** Workgroups that every device allows in a dimension. */
const MOST_GROUPS = 65_535;

/** How the rows and lanes of an array are shared out. */
export interface Split {
  readonly team: Team;
  /** Uniforms of a program that {@link standWgsl} begins. */
  readonly sizes: {
    readonly rows: number;
    readonly lanes: number;
    /** Lanes that a workgroup covers. */
    readonly width: number;
    /** Rows that it covers at once. */
    readonly height: number;
    /** Rows of a part. */
    readonly part: number;
    readonly parts: number;
  };
  readonly groups: Groups;
}

/** Types of {@link Split.sizes}. */
export const SPLIT_UNIFORMS = {
  rows: "u32",
  lanes: "u32",
  width: "u32",
  height: "u32",
  part: "u32",
  parts: "u32",
} as const;

/** Workgroups in two dimensions, where they are more than one allows. */
function inRows(count: number): Groups {
  const high = Math.ceil(count / MOST_GROUPS);
  return high === 1 ? [count] : [Math.ceil(count / high), high];
}

function split(team: Team, rows: number, lanes: number, widest: number, least: number, most: number): Split {
  const columns = team === "thread" ? 1 : Math.ceil(lanes / widest);
  const width = Math.ceil(lanes / columns);
  const height = team === "thread" ? 1 : Math.floor(TEAM_THREADS.workgroup / width);
  const part = Math.min(rows, Math.max(height * least, Math.ceil(rows / most)));
  const parts = Math.ceil(rows / part);
  const groups: Groups =
    team === "thread" ? inRows(Math.ceil((lanes * parts) / TEAM_THREADS.thread)) : [columns, parts];
  return { team, sizes: { rows, lanes, width, height, part, parts }, groups };
}

/** Shares out rows that are summed up: one part where that is enough, else few enough to be merged by each reader. */
export function splitSums(team: Team, rows: number, lanes: number): Split {
  if (team === "thread") return split(team, rows, lanes, lanes, LEAST_ROWS, Math.ceil(ENOUGH_THREADS / lanes));
  const fullWidth = Math.floor(TEAM_THREADS.workgroup / rows);
  return rows <= WHOLE_ROWS
    ? split(team, rows, lanes, Math.max(WHOLE_WIDTH, fullWidth), rows, 1)
    : split(team, rows, lanes, WIDTH, LEAST_ROWS, MOST_PARTS);
}

/** Shares out rows that have nothing to do with each other. */
export function splitRows(team: Team, rows: number, lanes: number): Split {
  const most = team === "thread" ? Math.ceil(ENOUGH_THREADS / lanes) : MOST_GROUPS;
  return split(team, rows, lanes, WIDTH, LEAST_ROWS, most);
}

/** WGSL: the entry point's head and where a thread stands: its lane, its part, and its first row within the part. */
export function standWgsl(team: Team): string {
  const place =
    team === "workgroup"
      ? `
  let row = thread / u.width;
  let column = thread - row * u.width;
  let lane = group.x * u.width + column;
  let part = group.y;
  let works = row < u.height && lane < u.lanes;`
      : `
  let id = (group.y * groups.x + group.x) * ${TEAM_THREADS.thread}u + thread;
  let row = 0u;
  let part = id / u.lanes;
  let lane = id - part * u.lanes;
  let works = part < u.parts;`;
  return `
@compute @workgroup_size(${TEAM_THREADS[team]})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {${place}
  let stride = u.height * u.lanes;
  let start = (part * u.part + row) * u.lanes + lane;
  let end = min(u.rows, (part + 1u) * u.part) * u.lanes;`;
}

/** Rows that are summed before they are added to the total. */
const BLOCK_ROWS = 64;

/**
 * WGSL: sums over a thread's rows in blocks. In one long chain of additions the rounding of equal values, such as those
 * of a photo's plain background, adds up to half an ULP of the total for every row.
 * @param first where the rows begin, an expression
 * @param clear sets the sums of a block to zero
 * @param body adds element i to the sums of the block
 * @param add adds the block's sums to the total
 */
export function blocksWgsl(first: string, clear: string, body: string, add: string): string {
  return `
  for (var block = ${first}; block < end; block += ${BLOCK_ROWS}u * stride) {
    ${clear}
    for (var i = block; i < min(end, block + ${BLOCK_ROWS}u * stride); i += stride) {
${body}
    }
    ${add}
  }`;
}

/** WGSL: a loop over the elements of a thread's rows. */
export const ROWS_WGSL = "for (var i = start; i < end; i += stride)";
