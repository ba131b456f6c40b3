import { describe, expect, it } from "vitest";
import { meanInterval } from "../src/parity/mean-interval.ts";

describe("meanInterval", () => {
  it("is Student's interval of a mean: t of 3 degrees of freedom is 3.1824 at 97.5 %", () => {
    const { mean, standardDeviation, standardError, interval } = meanInterval([1, 2, 4, 7], 0.025);
    expect(mean).toBe(3.5);
    expect(standardDeviation).toBeCloseTo(Math.sqrt(7), 12);
    expect(standardError).toBeCloseTo(Math.sqrt(7) / 2, 12);
    expect(interval[0]).toBeCloseTo(3.5 - 3.182446305284263 * (Math.sqrt(7) / 2), 9);
    expect(interval[1]).toBeCloseTo(3.5 + 3.182446305284263 * (Math.sqrt(7) / 2), 9);
  });

  it("is a point where all values are equal", () => {
    expect(meanInterval([2, 2, 2], 0.025).interval).toEqual([2, 2]);
  });
});
