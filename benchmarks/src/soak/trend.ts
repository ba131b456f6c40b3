import tQuantile from "@stdlib/stats-base-dists-t-quantile";
import { linearRegression, mean, median, sum } from "simple-statistics";

/** How something went over hours. */
export interface Trend {
  /** Median of the first sixth of the time that counts. */
  readonly first: number;
  /** Median of the last sixth. */
  readonly last: number;
  readonly largest: number;
  /** Slope of the line of least squares, an hour. */
  readonly anHour: number;
  /** Half of the slope's 95 % interval; the blocks' means of which it is made are taken for independent. */
  readonly plusMinus: number;
}

/** Samples in a row know of each other: a cell is many of them. */
const BLOCKS = 20;

/**
 * @param points hours and values, by time; at least 40
 */
export function trendOf(points: readonly (readonly [hours: number, value: number])[]): Trend {
  const values = points.map(([, value]) => value);
  const sixth = Math.ceil(points.length / 6);
  const size = points.length / BLOCKS;
  const blocks = Array.from({ length: BLOCKS }, (_, index) => {
    const block = points.slice(Math.round(index * size), Math.round((index + 1) * size));
    return [mean(block.map(([hours]) => hours)), mean(block.map(([, value]) => value))] as const;
  });
  const { m: slope, b: offset } = linearRegression(blocks.map(([x, y]) => [x, y]));
  const middle = mean(blocks.map(([x]) => x));
  const residuals = sum(blocks.map(([x, y]) => (y - offset - slope * x) ** 2));
  const spread = sum(blocks.map(([x]) => (x - middle) ** 2));
  const error = Math.sqrt(residuals / (BLOCKS - 2) / spread);
  return {
    first: median(values.slice(0, sixth)),
    last: median(values.slice(-sixth)),
    largest: Math.max(...values),
    anHour: slope,
    plusMinus: tQuantile(0.975, BLOCKS - 2) * error,
  };
}
