import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSpec, type RunEvent, randomStream, ThawError } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { type FindLrCommandOptions, rangeAsked } from "../src/find-lr/find-lr-options.ts";
import { hasExploded, lossCurve, type RangeStep } from "../src/find-lr/loss-curve.ts";
import type { RateSearch } from "../src/find-lr/range-record.ts";
import { followRangeTest, rangeTestSpec } from "../src/find-lr/range-test.ts";
import { rateFindings, suggestedRate } from "../src/find-lr/rate-choice.ts";
import { SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

/** Losses at rates from 1e-6 to 1, each step the same factor. */
function stepsOf(count: number, lossAt: (decade: number, index: number) => number): RangeStep[] {
  return Array.from({ length: count }, (_, index) => {
    const decade = -6 + (6 * index) / (count - 1);
    return { step: index + 1, learningRate: 10 ** decade, loss: lossAt(decade, index) };
  });
}

/** A loss of 2 that falls to 1 from 1e-4 on, fastest at 1e-3, and rises steeply above 1e-2. */
function valley(decade: number): number {
  const fall = 1 / (1 + Math.exp(-6 * (decade + 3)));
  return 2 - fall + (decade > -2 ? 4 * (decade + 2) ** 2 : 0);
}

/** Noise up to ±0.1, the same each time. */
function noiseOf(seed: number): () => number {
  const random = randomStream(seed, "noise");
  return () => 0.2 * (random.uniform() - 0.5);
}

describe("the smoothed curve", () => {
  it("keeps a straight line, its slope a decade and its ends", () => {
    for (const { loss, smoothed, slope } of lossCurve(stepsOf(40, (decade) => 3 - 0.5 * decade))) {
      expect(smoothed).toBeCloseTo(loss, 10);
      expect(slope).toBeCloseTo(-0.5, 10);
    }
  });

  it("takes most of the noise away and does not lag", () => {
    const curve = lossCurve(stepsOf(121, (decade, index) => valley(decade) + 0.1 * (index % 2 === 0 ? 1 : -1)));
    const middle = curve.filter(({ learningRate }) => learningRate > 1e-5 && learningRate < 5e-3);
    for (const { learningRate, smoothed } of middle) {
      expect(Math.abs(smoothed - valley(Math.log10(learningRate)))).toBeLessThan(0.06);
    }
  });
});

describe("the end of a test", () => {
  it("is a mean of five losses four times as high as the lowest, and above the first", () => {
    const calm = [2, 2, 2, 2, 2, 1, 1, 1, 1, 1];
    expect(hasExploded(calm)).toBe(false);
    expect(hasExploded([...calm, 9])).toBe(false); // one bad batch
    expect(hasExploded([...calm, 9, 9, 9])).toBe(true);
    expect(hasExploded([2, 2, 2, 2, 2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.5, 0.5])).toBe(false); // below the start
  });
});

describe("the rate that is read off", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("is near where the curve has it, by both rules, with noise of seed %i", (seed) => {
    const noise = noiseOf(seed);
    const noisy = stepsOf(121, (decade) => valley(decade) + noise());
    const findings = rateFindings(noisy, false);
    for (const rule of ["tenth-of-minimum", "steepest"] as const) {
      const rate = suggestedRate(findings, rule) ?? 0;
      expect(Math.abs(Math.log10(rate) + 3)).toBeLessThan(0.5);
      expect(Number(rate.toPrecision(2))).toBe(rate);
    }
    expect(findings.doubts).toEqual([]);
  });

  it("does not follow a first batch that happens to be hard", () => {
    const hard = stepsOf(121, (decade, index) => valley(decade) + (index < 3 ? 0.6 : 0));
    const steepest = suggestedRate(rateFindings(hard, false), "steepest") ?? 0;
    expect(Math.abs(Math.log10(steepest) + 3)).toBeLessThan(0.25);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("is none where the loss is mere noise, of seed %i", (seed) => {
    const noise = noiseOf(seed);
    const flat = stepsOf(100, () => 1.8 + noise());
    const findings = rateFindings(flat, false);
    expect([suggestedRate(findings, "steepest"), suggestedRate(findings, "tenth-of-minimum")]).toEqual([null, null]);
    expect(findings.doubts[0]).toContain("not clearly more than its noise");
  });

  it("is no minimum where the loss still falls at the end, unless it blew up there", () => {
    const falling = stepsOf(100, (decade) => -decade);
    const findings = rateFindings(falling, false);
    expect(suggestedRate(findings, "tenth-of-minimum")).toBeNull();
    expect(suggestedRate(findings, "steepest")).toBeGreaterThan(0);
    expect(findings.doubts[0]).toContain("higher --to");
    expect(suggestedRate(rateFindings(falling, true), "tenth-of-minimum")).toBe(0.1);
  });
});

describe("the experiment of a test", () => {
  const asked = { from: 1e-5, to: 1e-1, steps: 20, phase: undefined };
  const spec = parseSpec({ ...SMALL_SPEC, earlyStopping: { monitor: "loss" } });

  it("runs whole epochs at a rate that grows from the first step to the last", () => {
    const test = rangeTestSpec(spec, 18, asked); // three steps an epoch
    expect([test.name, test.epochs, test.record, test.earlyStopping]).toEqual(["small-find-lr", 7, "steps", undefined]);
    expect(test.optimizer.learningRate).toEqual({
      schedule: "exponential",
      initial: 1e-5,
      decaySteps: 20,
      decayRate: 1e-1 / 1e-5,
      staircase: false,
    });
  });

  it("takes layers and optimizer of the phase that is named, and asks which one", () => {
    const phases = [
      { name: "head", epochs: 1, freeze: 154 },
      { name: "top", epochs: 2, optimizer: { name: "sgd", momentum: 0.9 } },
    ];
    const { epochs: _epochs, ...rest } = SMALL_SPEC;
    const phased = parseSpec({ ...rest, phases });
    const head = rangeTestSpec(phased, 18, { ...asked, phase: "head" });
    expect([head.name, head.freeze, head.optimizer.name, head.phases]).toEqual([
      "small-head-find-lr",
      154,
      "adam",
      undefined,
    ]);
    const top = rangeTestSpec(phased, 18, { ...asked, phase: "top" });
    expect([top.freeze, top.optimizer]).toEqual([100, expect.objectContaining({ name: "sgd", momentum: 0.9 })]);
    expect(() => rangeTestSpec(phased, 18, asked)).toThrow("the spec has several phases; it has head, top");
    expect(() => rangeTestSpec(phased, 18, { ...asked, phase: "heat" })).toThrow('no phase "heat"');
    expect(() => rangeTestSpec(spec, 18, { ...asked, phase: "head" })).toThrow("has no phases");
  });
});

describe("a run that stops being finite", () => {
  const plan = { spec: rangeTestSpec(parseSpec(SMALL_SPEC), 18, { from: 1e-5, to: 1, steps: 20, phase: undefined }) };
  type Followed = Parameters<typeof followRangeTest>[0];

  async function* eventsUntil(steps: number, error: ThawError): AsyncGenerator<RunEvent> {
    yield {
      type: "start",
      environment: { runner: "x" },
      trainable: { tensors: 1, params: 1 },
      totalSteps: 21,
    } as RunEvent;
    for (let step = 1; step <= steps; step += 1) yield { type: "step", epoch: 1, step, loss: 2, ms: 1, images: 8 };
    throw error;
  }

  it("ends the test, unless that was at once", async () => {
    const error = new ThawError("non-finite", "Training stopped at step 5: the loss is NaN.");
    const { ended, steps } = await followRangeTest(plan as Followed, eventsUntil(4, error), () => undefined);
    expect(ended).toEqual({ how: "non-finite", message: error.message });
    expect(steps.map(({ learningRate }) => learningRate)[0]).toBe(1e-5);
    await expect(followRangeTest(plan as Followed, eventsUntil(2, error), () => undefined)).rejects.toBe(error);
    const crash = new ThawError("runner-crashed", "It is gone.");
    await expect(followRangeTest(plan as Followed, eventsUntil(9, crash), () => undefined)).rejects.toBe(crash);
  });
});

describe("thaw find-lr", () => {
  const spec = specFile(SMALL_SPEC);

  it("runs a test on libtensorflow, stops where the loss blows up, and keeps what it saw", async () => {
    const out = join(temporaryFolder(), "out");
    const args = ["find-lr", spec, "--from", "1e-5", "--to", "1e4", "--steps", "60", "--out", out];
    const run = await thaw(args);
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("Result: ")]);
    expect(run.stdout).toContain("slope a decade");
    expect(run.stdout).toMatch(/^Suggested rate: |^No rate is suggested by the rule "tenth-of-minimum"/m);
    expect(run.stdout).toContain("says nothing of accuracy on other images");
    const [name = "", ...others] = readdirSync(out);
    expect(others).toEqual([]);
    const search = JSON.parse(readFileSync(join(out, name), "utf8")) as RateSearch;
    expect([search.kind, `${search.cell}.json`, search.ended.how]).toEqual([
      "find-lr",
      name,
      expect.not.stringMatching("all-steps"),
    ]);
    expect(search.steps.length).toBeLessThan(60);
    expect(search.steps[0]?.learningRate).toBe(1e-5);
    expect(search.spec.optimizer.learningRate).toMatchObject({ schedule: "exponential", initial: 1e-5 });
    expect(search.environment.engine).toMatch(/^libtensorflow/);

    const again = await thaw([...args, "--rule", "steepest", "--json"]);
    expect(again.stderr).toContain("Result from an earlier run");
    const json = JSON.parse(again.stdout) as RateSearch & { suggestion: { rule: string } };
    expect([json.steps, json.suggestion.rule]).toEqual([search.steps, "steepest"]);
  });

  it("refuses a phase that is not there", async () => {
    const run = await thaw(["find-lr", spec, "--out", temporaryFolder(), "--phase", "head"]);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining("the spec has no phases")]);
  });
});

describe("options of a test", () => {
  const options: FindLrCommandOptions = {
    from: "1e-7",
    to: "1",
    steps: "100",
    rule: "steepest",
    runner: "node",
    out: "results",
    set: [],
    plainKernel: [],
    json: false,
    rerun: false,
    requireHardware: false,
    cacheBytes: "1G",
    cacheDisk: "4G",
  };

  it("are numbers and a rule", () => {
    expect(rangeAsked(options)).toEqual({ from: 1e-7, to: 1, steps: 100, phase: undefined, rule: "steepest" });
  });

  it.each([
    [{ from: "1" }, "--from 1 is not below --to 1."],
    [{ from: "0" }, '--from: "0" is no rate above 0.'],
    [{ to: "1,2" }, '--to: "1,2" is no rate above 0.'],
    [{ steps: "5" }, "no whole number from 20 up"],
    [{ rule: "toString" }, 'no rule "toString"'],
    [{ rule: "steep" }, 'no rule "steep"; there are tenth-of-minimum, steepest.'],
  ])("refuse %j", (wrong, message) => {
    expect(() => rangeAsked({ ...options, ...wrong })).toThrow(message);
  });
});
