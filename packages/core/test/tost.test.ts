import { describe, expect, it } from "vitest";
import { randomStream } from "../src/data/random.ts";
import { equivalencePower, pairedTost, pairsForPower, tostPower } from "../src/parity/tost.ts";
import { failureOf } from "./failure.ts";

const QUESTION = { delta: 1, alpha: 0.05 };

describe("two one-sided t tests on pairs", () => {
  // Golden: scipy 1.17.1, ttest_1samp(d, ∓1, alternative="greater" / "less") with its confidence_interval(0.95).
  it("gives the p values and the interval of two t tests", () => {
    const answer = pairedTost([0.5, -0.25, 0.75, 0, -0.5, 1], QUESTION);
    expect(answer.mean).toBe(0.25);
    expect(answer.standardDeviation).toBeCloseTo(0.5916079783099616, 14);
    expect(answer.interval[0]).toBeCloseTo(-0.23668041899608389, 12);
    expect(answer.interval[1]).toBeCloseTo(0.7366804189960838, 12);
    expect(answer.p).toBeCloseTo(0.013346295364776264, 12);
    expect(answer.equivalent).toBe(true);
  });

  it("takes the nearer bound, on either side", () => {
    const above = pairedTost([0.6, 0.9, 1.1, 0.4], QUESTION);
    const below = pairedTost([-0.6, -0.9, -1.1, -0.4], QUESTION);
    expect(above.p).toBe(below.p);
    expect(above.p).toBeGreaterThan(0.05);
    expect([above.equivalent, below.equivalent]).toEqual([false, false]);
  });

  it("is equivalent exactly where p is at most alpha", () => {
    const random = randomStream(1, "tost");
    for (let trial = 0; trial < 300; trial += 1) {
      const differences = Array.from({ length: 2 + random.below(7) }, () => (random.uniform() - 0.3) * 2);
      const { p, equivalent } = pairedTost(differences, QUESTION);
      expect(p <= QUESTION.alpha).toBe(equivalent);
    }
  });

  it("makes a point of equal differences, inside or outside", () => {
    const inside = { mean: 0.5, standardDeviation: 0, interval: [0.5, 0.5], p: 0, equivalent: true };
    expect(pairedTost([0.5, 0.5, 0.5], QUESTION)).toEqual(inside);
    expect(pairedTost([1.5, 1.5], QUESTION)).toMatchObject({ interval: [1.5, 1.5], p: 1, equivalent: false });
    expect(pairedTost([0, 0], QUESTION)).toMatchObject({ p: 0, equivalent: true });
  });

  it("refuses fewer than two differences, and what is no number", async () => {
    for (const few of [[], [0.1]]) {
      expect((await failureOf(() => pairedTost(few, QUESTION))).code).toBe("seeds-too-few");
    }
    expect((await failureOf(() => pairedTost([0, Number.NaN], QUESTION))).code).toBe("accuracy-invalid");
  });
});

/** Share of simulated experiments without any difference that the test itself calls equivalent. */
function simulatedPower(n: number, deviation: number, trials: number): number {
  const random = randomStream(n, `power/${deviation}`);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
  let found = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    const differences = Array.from({ length: n }, () => normal() * deviation);
    if (pairedTost(differences, QUESTION).equivalent) found += 1;
  }
  return found / trials;
}

describe("power of the test", () => {
  // Golden: adaptive quadrature by scipy 1.17.1 (integrate.quad over stats.chi, tolerance 1e-12).
  it.each([
    [2, 0.5, 0.25141916],
    [2, 5, 0.00400588],
    [3, 0.25, 0.98252014],
    [4, 0.5, 0.82776757],
    [6, 0.5, 0.98723102],
    [6, 1, 0.40904355],
    [10, 1.5, 0.28168793],
    [20, 2, 0.39346305],
    [50, 3, 0.50313081],
    [200, 5, 0.75958004],
  ])("of %i pairs with deviation %f is %f by adaptive quadrature", (n, deviation, power) => {
    expect(tostPower(n, deviation, QUESTION)).toBeCloseTo(power, 7);
  });

  it.each([
    [3, 0.5],
    [6, 0.7],
    [6, 1.2],
    [12, 1],
  ])("of %i pairs with deviation %f is what a simulation finds", (n, deviation) => {
    const trials = 10_000;
    const power = tostPower(n, deviation, QUESTION);
    const fourErrors = 4 * Math.sqrt((power * (1 - power)) / trials);
    expect(Math.abs(simulatedPower(n, deviation, trials) - power)).toBeLessThan(fourErrors);
  });

  // Published: TOSTER::power_t_TOST(delta = 0, sd = 1, eqb = 0.5, alpha = 0.05) asks for 69.20 a group for 80 % (its
  // introduction) and 88 a group for 90 % (Lakens, Improving your statistical inferences, chapter 9). Same integral,
  // with the standard error and the degrees of freedom of two samples.
  it.each([
    [0.8, 70],
    [0.9, 88],
  ])("reaches %f with as many a group as TOSTER says: %i", (power, n) => {
    const twoSamples = (each: number): number =>
      equivalencePower(Math.sqrt(2 / each), 2 * each - 2, { delta: 0.5, alpha: 0.05 });
    expect(twoSamples(n)).toBeGreaterThanOrEqual(power);
    expect(twoSamples(n - 1)).toBeLessThan(power);
  });

  // Published: TOSTER's old normal approximation gives 96 pairs for dz = 0.3; its exact successor needs one more.
  it("needs 97 pairs for 80 % at 0.3 deviations", () => {
    expect(pairsForPower(0.8, 1, { delta: 0.3, alpha: 0.05 }, 200)).toBe(97);
  });

  it("finds the fewest pairs, or says that there are too many", () => {
    expect(pairsForPower(0.9, 0.5, QUESTION, 200)).toBe(5);
    expect(pairsForPower(0.9, 1, QUESTION, 200)).toBe(13);
    expect(pairsForPower(0.9, 0, QUESTION, 200)).toBe(2);
    expect(pairsForPower(0.9, 5, QUESTION, 200)).toBeNull();
    for (const deviation of [0.3, 0.8, 2]) {
      const n = pairsForPower(0.9, deviation, QUESTION, 200) ?? 0;
      expect(tostPower(n, deviation, QUESTION)).toBeGreaterThanOrEqual(0.9);
      expect(tostPower(n - 1, deviation, QUESTION)).toBeLessThan(0.9);
    }
  });

  it("is certain without deviation and stays between 0 and 1", () => {
    expect(tostPower(2, 0, QUESTION)).toBe(1);
    for (const deviation of [1e-12, 1e-3, 1e3, 1e9]) {
      const power = tostPower(6, deviation, QUESTION);
      expect(power).toBeGreaterThanOrEqual(0);
      expect(power).toBeLessThanOrEqual(1);
    }
  });
});
