import { type Activation, activatedWgsl, limitUniform } from "./activation.ts";
import { type Lane, type Program, variants } from "./program.ts";
import { blocksWgsl, ROWS_WGSL, SPLIT_UNIFORMS, standWgsl, TEAM_THREADS, type Team } from "./teams.ts";

/** Where the moments that a team merges come from: rows of x, or the partial moments of all teams. */
type Source = "rows" | "partials";

/**
 * Moments (count, mean, sum of squared deviations) of rows, each thread's about its own first value, so that a mean far
 * above the deviation costs no digits; merged by Chan's formula, which needs no case for an empty part.
 */
function momentsWgsl(lane: Lane, source: Source): string {
  const ofRows = `
fn momentsOf(start: u32, end: u32, stride: u32) -> Moments {
  if (start >= end) { return Moments(0.0, ${lane}(), ${lane}()); }
  let pivot = x[start];
  var sum = ${lane}();
  var squares = ${lane}();
${blocksWgsl(
  "start + stride",
  `var blockSum = ${lane}(); var blockSquares = ${lane}();`,
  `      let deviation = x[i] - pivot;
      blockSum += deviation;
      blockSquares += deviation * deviation;`,
  "sum += blockSum; squares += blockSquares;",
)}
  let count = f32((end - start + stride - 1u) / stride);
  let mean = sum / count;
  let spread = squares - sum * mean;
  return Moments(count, pivot + mean, select(spread, ${lane}(), spread < ${lane}()));
}`;
  const ofPartials = `
fn momentsOf(row: u32, lane: u32) -> Moments {
  var total = Moments(0.0, ${lane}(), ${lane}());
  for (var i = row; i < u.parts; i += u.height) {
    let count = f32(min(u.rows - i * u.part, u.part));
    let at = 2u * i * u.lanes + lane;
    total = merged(total, Moments(count, partials[at], partials[at + u.lanes]));
  }
  return total;
}`;
  return `
struct Moments { count: f32, mean: ${lane}, squares: ${lane} }

fn merged(a: Moments, b: Moments) -> Moments {
  let count = a.count + b.count;
  let share = b.count / max(count, 1.0);
  let delta = b.mean - a.mean;
  return Moments(count, a.mean + delta * share, a.squares + b.squares + delta * delta * (a.count * share));
}
${source === "rows" ? ofRows : ofPartials}`;
}

/** WGSL: the moments of all threads of a workgroup. */
const togetherWgsl = (lane: Lane): string => `
var<workgroup> counts: array<f32, ${TEAM_THREADS.workgroup}>;
var<workgroup> means: array<${lane}, ${TEAM_THREADS.workgroup}>;
var<workgroup> squares: array<${lane}, ${TEAM_THREADS.workgroup}>;

fn share(thread: u32, own: Moments) {
  counts[thread] = own.count;
  means[thread] = own.mean;
  squares[thread] = own.squares;
}

fn totalOf(column: u32) -> Moments {
  var total = Moments(counts[column], means[column], squares[column]);
  for (var i = 1u; i < u.height; i++) {
    let at = i * u.width + column;
    total = merged(total, Moments(counts[at], means[at], squares[at]));
  }
  return total;
}`;

/** WGSL: `total` for the first row of a workgroup's threads, or for each thread that works for itself. */
function totalWgsl(team: Team, source: Source, body: string): string {
  const own = source === "rows" ? "momentsOf(start, end, stride)" : "momentsOf(row, lane)";
  if (team === "thread") return `  if (!works) { return; }\n  let total = ${own};${body}`;
  return `
  var own = Moments();
  if (works) { own = ${own}; }
  share(thread, own);
  workgroupBarrier();
  if (works && row == 0u) {
    let total = totalOf(column);${body}
  }`;
}

/** Moments of parts of the rows: `partials[part]` is the mean and the squared deviations of each channel. */
export const partialMoments: (lane: Lane, team: Team) => Program = variants((lane, team) => ({
  name: `partialMoments ${lane} ${team}`,
  reads: { x: lane },
  writes: { partials: lane },
  uniforms: SPLIT_UNIFORMS,
  wgsl: () => `${momentsWgsl(lane, "rows")}
${team === "workgroup" ? togetherWgsl(lane) : ""}
${standWgsl(team)}
${totalWgsl(
  team,
  "rows",
  `
    let at = 2u * part * u.lanes + lane;
    partials[at] = total.mean;
    partials[at + u.lanes] = total.squares;`,
)}
}`,
}));

function normaliseWgsl(lane: Lane, activation: Activation, source: Source, team: Team): string {
  const publish = `
    let spread = total.squares / total.count;
    let inverse = inverseSqrt(spread + u.epsilon);
    let factor = gamma[lane] * inverse;
    if (part == 0u) {
      mean[lane] = total.mean;
      variance[lane] = spread;
      coefficients[lane] = total.mean;
      coefficients[lane + u.lanes] = factor;
      coefficients[lane + 2u * u.lanes] = beta[lane];
      coefficients[lane + 3u * u.lanes] = inverse;
    }`;
  const pass =
    team === "thread"
      ? "\n  let center = total.mean;\n  let scale = factor;"
      : `
  workgroupBarrier();
  if (!works) { return; }
  let center = means[column];
  let scale = squares[column];`;
  const handOn = team === "thread" ? "" : "\n    means[thread] = total.mean;\n    squares[thread] = factor;";
  return `${momentsWgsl(lane, source)}
${team === "workgroup" ? togetherWgsl(lane) : ""}
${activatedWgsl(activation, lane)}
${standWgsl(team)}
${totalWgsl(team, source, publish + handOn)}
${pass}
  let shift = beta[lane];
  ${ROWS_WGSL} { y[i] = activated((x[i] - center) * scale + shift); }
}`;
}

/**
 * Normalises, with the moments of the rows themselves where there is one part, else with {@link partialMoments}.
 * `coefficients` is what the gradient wants, `[4, channels]`: mean, gamma / deviation, beta, 1 / deviation.
 */
export const trainBatchNorm: (lane: Lane, activation: Activation, source: Source, team: Team) => Program = variants(
  (lane, activation, source, team) => ({
    name: `trainBatchNorm ${lane} ${activation} from ${source} ${team}`,
    reads: { x: lane, gamma: lane, beta: lane, ...(source === "partials" ? { partials: lane } : {}) },
    writes: { y: lane, mean: lane, variance: lane, coefficients: lane },
    uniforms: { ...SPLIT_UNIFORMS, epsilon: "f32", ...limitUniform(activation) },
    wgsl: () => normaliseWgsl(lane, activation, source, team),
  }),
);
