import { randomStream } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { type Fleet, simulateGrid } from "../src/grid/simulation.ts";

const SAFE: Fleet = { machines: 1, mtbf: Number.POSITIVE_INFINITY, restart: 0, setUp: 0 };
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const hours = (count: number, label: string): readonly number[] => {
  const random = randomStream(7, label);
  return Array.from({ length: count }, () => 0.1 + random.uniform());
};

/** Mean and standard error of a figure over seeds. */
function overSeeds(seeds: number, run: (seed: number) => number): { readonly mean: number; readonly error: number } {
  const values = Array.from({ length: seeds }, (_, seed) => run(seed));
  const mean = sum(values) / seeds;
  const variance = sum(values.map((value) => (value - mean) ** 2)) / (seeds - 1);
  return { mean, error: Math.sqrt(variance / seeds) };
}

describe("the simulator of grids", () => {
  it("takes as long as the longest shard, where nothing fails and each machine has one", () => {
    const shards = Array.from({ length: 8 }, (_, at) => hours(5 + at, `shard/${at}`));
    const { makespan, useful, lost, failures } = simulateGrid(shards, { ...SAFE, machines: 8, setUp: 0.25 }, null, 1);
    expect(makespan).toBeCloseTo(Math.max(...shards.map(sum)) + 0.25, 10);
    expect(useful).toBeCloseTo(sum(shards.map(sum)), 9);
    expect([lost, failures]).toEqual([0, 0]);
  });

  it("gives the next shard to the first machine that is free", () => {
    const cells = hours(50, "queue");
    const free = [0, 0, 0];
    for (const cell of cells) {
      const first = free.indexOf(Math.min(...free));
      free[first] = (free[first] ?? 0) + cell;
    }
    const { makespan } = simulateGrid(
      cells.map((cell) => [cell]),
      { ...SAFE, machines: 3 },
      null,
      1,
    );
    expect(makespan).toBeCloseTo(Math.max(...free), 10);
  });

  it("counts a slow machine's hours", () => {
    const { makespan } = simulateGrid([[1, 2], [3]], { ...SAFE, machines: 2, slowness: [2, 1] }, null, 1);
    expect(makespan).toBe(6);
  });

  // A piece of work of length L that starts over at each failure, with rate r and restart D: (e^(rL) - 1)(1/r + D).
  it("is as long in the mean as one machine with exponential failures is known to be", () => {
    const [length, mtbf, restart] = [3, 4, 0.5];
    const expected = (Math.exp(length / mtbf) - 1) * (mtbf + restart);
    const { mean, error } = overSeeds(
      4000,
      (seed) => simulateGrid([[length]], { ...SAFE, mtbf, restart }, null, seed).makespan,
    );
    expect(Math.abs(mean - expected)).toBeLessThan(3 * error);
    expect(error / expected).toBeLessThan(0.03);
  });

  it("with checkpoints takes the sum of its pieces, and loses less", () => {
    const [length, mtbf, restart] = [3, 4, 0.5];
    const checkpoints = { every: 0.5, cost: 0.05 };
    const piece = (hoursOfIt: number): number => (Math.exp(hoursOfIt / mtbf) - 1) * (mtbf + restart);
    const expected = 5 * piece(0.55) + piece(0.5);
    const run = (seed: number) => simulateGrid([[length]], { ...SAFE, mtbf, restart }, checkpoints, seed);
    const { mean, error } = overSeeds(4000, (seed) => run(seed).makespan);
    expect(Math.abs(mean - expected)).toBeLessThan(3 * error);
    expect(run(3).useful).toBeCloseTo(length, 10);
    const without = overSeeds(500, (seed) => simulateGrid([[length]], { ...SAFE, mtbf, restart }, null, seed).lost);
    expect(overSeeds(500, (seed) => run(seed).lost).mean).toBeLessThan(without.mean / 3);
  });

  it("does all the work whatever fails, the same for the same seed", () => {
    const shards = Array.from({ length: 40 }, (_, at) => hours(6, `many/${at}`));
    const fleet = { machines: 7, mtbf: 2, restart: 0.1, setUp: 0.05 };
    const one = simulateGrid(shards, fleet, { every: 0.2, cost: 0.01 }, 5);
    expect(one.useful).toBeCloseTo(sum(shards.map(sum)), 8);
    expect(one.failures).toBeGreaterThan(20);
    expect(one.makespan * fleet.machines).toBeGreaterThan(one.useful + one.lost + one.overhead);
    expect(simulateGrid(shards, fleet, { every: 0.2, cost: 0.01 }, 5)).toEqual(one);
    expect(simulateGrid(shards, fleet, { every: 0.2, cost: 0.01 }, 6)).not.toEqual(one);
  });
});
