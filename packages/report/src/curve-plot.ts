import { type CurvePoint, NOT_FINITE, type ParityReport, type RungResult, ratioOf } from "@thaw/core/parity";
import { figure } from "./wording.ts";

const ROWS = 8;
/** Decades that a plot shows at most below its top; what is smaller lies on the floor. */
const DECADES = 8;

/** One column: the highest of the points that fall into it, in parts of their bounds. */
interface Column {
  readonly value: number;
  readonly selfNoise: number | null;
}

/** A value in parts of its bound; what is not finite has no place on the scale. */
function partOf({ value, bound }: Pick<CurvePoint, "value" | "bound">): number {
  return value === NOT_FINITE ? Number.POSITIVE_INFINITY : ratioOf({ value, bound });
}

function columnsOf(points: readonly CurvePoint[], width: number): readonly Column[] {
  const columns = Math.min(width, points.length);
  return Array.from({ length: columns }, (_, column) => {
    const start = Math.floor((column * points.length) / columns);
    const inside = points.slice(start, Math.max(start + 1, Math.floor(((column + 1) * points.length) / columns)));
    const noises = inside.flatMap(({ selfNoise, bound }) =>
      selfNoise === undefined ? [] : [partOf({ value: selfNoise, bound })],
    );
    return {
      value: Math.max(...inside.map(partOf)),
      selfNoise: noises.length === 0 ? null : Math.max(...noises),
    };
  });
}

/** Which row, 0 being the floor, a ratio falls on. */
function rowOf(ratio: number, low: number, high: number): number {
  if (ratio === Number.POSITIVE_INFINITY) return ROWS - 1;
  const level = (Math.log10(Math.max(ratio, 10 ** low)) - low) / (high - low);
  return Math.min(ROWS - 1, Math.max(0, Math.round(level * (ROWS - 1))));
}

/**
 * A curve as text: each value in parts of its bound, on a logarithmic scale, with a line at the bound.
 * @param width columns of the plot, without its scale
 * @returns lines of at most width + 10 characters and a caption, or nothing for a curve without points
 */
export function curvePlot(points: readonly CurvePoint[], width = 72): readonly string[] {
  if (points.length === 0) return [];
  const columns = columnsOf(points, width);
  const ratios = columns.flatMap(({ value, selfNoise }) => [value, selfNoise ?? 0]);
  const logs = [1, ...ratios].filter((ratio) => ratio > 0 && Number.isFinite(ratio)).map((ratio) => Math.log10(ratio));
  const high = Math.ceil(Math.max(...logs)) || 1;
  const low = Math.max(high - DECADES, Math.min(high - 1, Math.floor(Math.min(...logs))));
  const boundRow = rowOf(1, low, high);
  const lines = Array.from({ length: ROWS }, (_, index) => {
    const row = ROWS - 1 - index;
    const isBound = row === boundRow;
    const marks = columns.map(({ value, selfNoise }) => {
      if (rowOf(value, low, high) === row) return Number.isFinite(value) ? "●" : "!";
      if (selfNoise !== null && rowOf(selfNoise, low, high) === row) return "○";
      return isBound ? "─" : " ";
    });
    const scale = isBound ? "bound" : figure(10 ** (low + (row * (high - low)) / (ROWS - 1)));
    return `${scale.padStart(8)} ${isBound ? "┼" : "┤"}${marks.join("")}`.trimEnd();
  });
  const first = points.find((point) => !(point.value <= point.bound));
  const range = points.length === 1 ? `${points[0]?.name}` : `${points[0]?.name} … ${points.at(-1)?.name}`;
  const legend = columns.some(({ selfNoise }) => selfNoise !== null) ? "; ● difference, ○ self-noise" : "";
  const crossing = first === undefined ? "" : `; first beyond its bound: ${first.name}`;
  return [...lines, `${" ".repeat(9)}└ ${range} (${points.length} values)${legend}${crossing}`];
}

/** The verdicts whose curves are worth a look: those that failed, else the one closest to its bound. */
export function curvesToShow({ results }: ParityReport, most: number): readonly RungResult[] {
  const withCurve = results.filter(({ curve, worst }) => curve !== undefined && curve.length > 1 && worst !== null);
  const failed = withCurve.filter(({ status }) => status === "fail");
  if (failed.length > 0) return failed.slice(0, most);
  const ratio = ({ worst }: RungResult): number => (worst === null ? 0 : ratioOf(worst));
  return [...withCurve].sort((a, b) => ratio(b) - ratio(a)).slice(0, 1);
}
