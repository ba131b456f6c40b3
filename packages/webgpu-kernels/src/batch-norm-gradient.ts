import { type Activation, limitUniform, passedWgsl } from "./activation.ts";
import { type Lane, type Program, variants } from "./program.ts";
import { blocksWgsl, ROWS_WGSL, SPLIT_UNIFORMS, standWgsl, TEAM_THREADS, type Team } from "./teams.ts";

/**
 * What a ReLU behind the normalisation is judged by: its input, computed from x again as the forward pass does, or its
 * output y.
 */
export type MaskSource = "input" | "output";

interface Options {
  readonly lane: Lane;
  readonly activation: Activation;
  readonly mask: MaskSource;
  /** Rows of x and dy, or the partial sums of all teams. */
  readonly source: "rows" | "partials";
  /** What becomes of the sums. */
  readonly result: "partials" | "weights" | "weights and input";
  readonly team: Team;
}

const readsY = ({ activation, mask }: Options): boolean => activation !== "none" && mask === "output";

/** WGSL: the gradient at element i as the ReLU lets it through. */
function gradientAt(options: Options): string {
  return readsY(options) ? "passed(dy[i], y[i])" : "passed(dy[i], deviation * scale + shift)";
}

/** WGSL: sums of dy and of dy · (x - mean) over rows, per channel. */
function sumsWgsl(options: Options): string {
  const { lane, source } = options;
  const ofRows = `
fn sumsOf(start: u32, end: u32, stride: u32, lane: u32) -> Sums {
  let center = coefficients[lane];
  let scale = coefficients[lane + u.lanes];
  let shift = coefficients[lane + 2u * u.lanes];
  var sums = Sums();
${blocksWgsl(
  "start",
  "var own = Sums();",
  `      let deviation = x[i] - center;
      let gradient = ${gradientAt(options)};
      own.plain += gradient;
      own.weighted += gradient * deviation;`,
  "sums.plain += own.plain; sums.weighted += own.weighted;",
)}
  return sums;
}`;
  const ofPartials = `
fn sumsOf(row: u32, lane: u32) -> Sums {
  var sums = Sums();
  for (var i = row; i < u.parts; i += u.height) {
    let at = 2u * i * u.lanes + lane;
    sums.plain += partials[at];
    sums.weighted += partials[at + u.lanes];
  }
  return sums;
}`;
  return `
struct Sums { plain: ${lane}, weighted: ${lane} }
${source === "rows" ? ofRows : ofPartials}`;
}

/** WGSL: the sums of all threads of a workgroup. */
const togetherWgsl = (lane: Lane): string => `
var<workgroup> plains: array<${lane}, ${TEAM_THREADS.workgroup}>;
var<workgroup> weighteds: array<${lane}, ${TEAM_THREADS.workgroup}>;

fn totalOf(column: u32) -> Sums {
  var total = Sums(plains[column], weighteds[column]);
  for (var i = 1u; i < u.height; i++) {
    let at = i * u.width + column;
    total.plain += plains[at];
    total.weighted += weighteds[at];
  }
  return total;
}`;

/** WGSL: dx = scale · (dy - Σdy/n - (x - mean)/σ² · Σdy(x - mean)/n). */
function inputWgsl(options: Options): string {
  const terms = `
    let inverse = coefficients[lane + 3u * u.lanes];
    let meanGradient = total.plain / f32(u.rows);
    let meanSlope = total.weighted * inverse * inverse / f32(u.rows);`;
  const hand =
    options.team === "thread"
      ? `${terms}\n  let offset = meanGradient;\n  let slope = meanSlope;`
      : `
  if (works && row == 0u) {
    let total = totalOf(column);${terms}
    plains[thread] = meanGradient;
    weighteds[thread] = meanSlope;
  }
  workgroupBarrier();
  if (!works) { return; }
  let offset = plains[column];
  let slope = weighteds[column];`;
  return `${hand}
  let center = coefficients[lane];
  let scale = coefficients[lane + u.lanes];
  let shift = coefficients[lane + 2u * u.lanes];
  ${ROWS_WGSL} {
    let deviation = x[i] - center;
    let gradient = ${gradientAt(options)};
    dx[i] = scale * (gradient - offset - deviation * slope);
  }`;
}

function gradientWgsl(options: Options): string {
  const { lane, activation, source, result, team } = options;
  const own = source === "rows" ? "sumsOf(start, end, stride, lane)" : "sumsOf(row, lane)";
  const publish =
    result === "partials"
      ? `
    let at = 2u * part * u.lanes + lane;
    partials[at] = total.plain;
    partials[at + u.lanes] = total.weighted;`
      : `
    if (part == 0u) {
      dBeta[lane] = total.plain;
      dGamma[lane] = total.weighted * coefficients[lane + 3u * u.lanes];
    }`;
  const total =
    team === "thread"
      ? `  if (!works) { return; }\n  let total = ${own};${publish}`
      : `
  var own = Sums();
  if (works) { own = ${own}; }
  plains[thread] = own.plain;
  weighteds[thread] = own.weighted;
  workgroupBarrier();
  if (works && row == 0u) {
    let total = totalOf(column);${publish}
  }`;
  return `${passedWgsl(activation, lane)}
${sumsWgsl(options)}
${team === "workgroup" ? togetherWgsl(lane) : ""}
${standWgsl(team)}
${total}
${result === "weights and input" ? inputWgsl(options) : ""}
}`;
}

type Buffers = Readonly<Record<string, Lane>>;

/**
 * Gradients of batch normalization: partial sums of parts of the rows, or weight gradients and dx (if asked for) from
 * the rows themselves or from those partial sums, `[parts, 2, channels]`.
 */
export const batchNormGradient: (
  lane: Lane,
  activation: Activation,
  mask: MaskSource,
  source: Options["source"],
  result: Options["result"],
  team: Team,
) => Program = variants((lane, activation, mask, source, result, team) => {
  const options: Options = { lane, activation, mask, source, result, team };
  const needsRows = source === "rows" || result === "weights and input";
  const reads: Buffers = {
    coefficients: lane,
    ...(needsRows ? { dy: lane, x: lane } : {}),
    ...(needsRows && readsY(options) ? { y: lane } : {}),
    ...(source === "partials" ? { partials: lane } : {}),
  };
  const writes: Buffers =
    result === "partials"
      ? { partials: lane }
      : { dGamma: lane, dBeta: lane, ...(result === "weights" ? {} : { dx: lane }) };
  return {
    name: `batchNormGradient ${lane} ${activation} ${mask}: ${source} to ${result} ${team}`,
    reads,
    writes,
    uniforms: { ...SPLIT_UNIFORMS, ...limitUniform(activation) },
    wgsl: () => gradientWgsl(options),
  };
});
