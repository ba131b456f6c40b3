import { randomStream } from "@thaw/core";
import { describe, expect, it } from "vitest";
import type { BenchReport } from "../src/bench/bench-report.ts";
import { benchText } from "../src/bench/bench-table.ts";
import { checkComparable, compareBenches, verdictOf } from "../src/bench/comparison.ts";
import { comparisonText } from "../src/bench/comparison-table.ts";
import { MEASURES, valuesOf } from "../src/bench/measures.ts";
import { roofShares } from "../src/bench/roofs.ts";
import { rotated } from "../src/bench/rounds.ts";
import { quantile, ratioOfMedians, spreadOf } from "../src/bench/statistics.ts";
import { recordingOf, sampleOf } from "./bench-recording.ts";

const THRESHOLD = 0.03;
const QUIET = [100, 101, 99, 102, 98];

function of(name: (typeof MEASURES)[number]["name"]): (typeof MEASURES)[number] {
  const measure = MEASURES.find((entry) => entry.name === name);
  if (measure === undefined) throw new Error(name);
  return measure;
}

function verdicts(now: BenchReport, before: BenchReport): string[] {
  return compareBenches(now, before, THRESHOLD).rows.map(({ measure, verdict }) => `${measure.name} ${verdict}`);
}

describe("spread", () => {
  it("is NumPy's", () => {
    // numpy.percentile([3, 1, 4, 1, 5, 9, 2, 6], [25, 50, 75]) is [1.75, 3.5, 5.25]
    expect(spreadOf([3, 1, 4, 1, 5, 9, 2, 6])).toEqual({
      count: 8,
      min: 1,
      lowerQuartile: 1.75,
      median: 3.5,
      upperQuartile: 5.25,
      max: 9,
    });
    expect(quantile([7], 0.25)).toBe(7);
    expect(spreadOf([])).toBeNull();
  });
});

describe("the interval of a ratio of medians", () => {
  it("holds the true ratio in 95 of 100 cases, and is the same each time", () => {
    const random = randomStream(1, "test");
    const normal = (): number => Array.from({ length: 12 }, random.uniform).reduce((a, b) => a + b, -6);
    const draw = (mean: number): number[] => Array.from({ length: 11 }, () => mean * (1 + 0.05 * normal()));
    const intervals = Array.from({ length: 40 }, () => ratioOfMedians(draw(200), draw(100)));
    const holds = intervals.filter(({ low, high }) => low <= 2 && 2 <= high).length;
    expect(holds).toBeGreaterThanOrEqual(36);
    for (const { low, high } of intervals) expect(high - low).toBeLessThan(0.4);
    expect(ratioOfMedians(QUIET, QUIET)).toEqual(ratioOfMedians(QUIET, QUIET));
  });
});

describe("measures of a run", () => {
  const sample = sampleOf("node", 1, 100);

  it.each([
    ["firstStepMs", 1000],
    ["firstEpoch", 80], // its second step alone
    ["laterEpochs", 80],
    ["stepMs", 100],
    ["peakRssBytes", 500e6],
    ["peakTensors", null], // it does not count
    ["dispatches", null],
  ] as const)("%s is %s", (name, expected) => {
    expect(of(name).of(sample)).toBe(expected);
  });

  it("tell the dispatches of the last epoch, in a column that is there only where somebody counts", () => {
    const counted = sampleOf("webgpu", 1, 100);
    const epochs = counted.epochs.map((epoch, index) => ({ ...epoch, dispatchesAStep: 600 - index * 100 }));
    expect(of("dispatches").of({ ...counted, epochs })).toBe(500);
    const recording = recordingOf({ node: [100], webgpu: [100] });
    expect(benchText(recording)).not.toContain("dispatches");
    const samples = recording.samples.map((run) => (run.subject === "webgpu" ? { ...run, epochs } : run));
    expect(benchText({ ...recording, samples })).toMatch(/dispatches a step.*webgpu.*500/s);
  });

  it("take a run of one epoch, and one that tells of no steps", () => {
    const [epoch = { epoch: 1, images: 0, trainMs: 0, phaseMs: {} }] = sample.epochs;
    const short = { ...sample, epochs: [epoch], steps: sample.steps.slice(0, 2) };
    expect(of("stepMs").of(short)).toBe(100);
    expect(of("laterEpochs").of(short)).toBeNull();
    const silent = { ...sample, steps: [] };
    expect(of("firstStepMs").of(silent)).toBeNull();
    expect(of("stepMs").of(silent)).toBeNull();
    expect(of("firstEpoch").of(silent)).toBeCloseTo(16 / 1.1);
  });

  it("leave a smaller last batch out of the step's time", () => {
    const steps = [...sample.steps, { epoch: 2, images: 1, ms: 1 }, { epoch: 2, images: 1, ms: 1 }];
    expect(of("stepMs").of({ ...sample, steps })).toBe(100);
  });
});

describe("a comparison with an earlier recording", () => {
  it("finds nothing where nothing changed", () => {
    const before = recordingOf({ node: QUIET });
    const shuffled = recordingOf({ node: [98, 102, 100, 99, 101] });
    const same = ["firstEpoch same", "laterEpochs same", "peakRssBytes same"];
    expect(verdicts(before, before)).toEqual(same);
    expect(verdicts(shuffled, before)).toEqual(same);
    expect(compareBenches(before, before, THRESHOLD).regressed).toBe(false);
  });

  it("finds twice the time, in the right direction", () => {
    const [fast, slow] = [recordingOf({ node: QUIET }), recordingOf({ node: QUIET.map((ms) => 2 * ms) })];
    expect(verdicts(slow, fast)).toEqual(["firstEpoch worse", "laterEpochs worse", "peakRssBytes same"]);
    expect(compareBenches(slow, fast, THRESHOLD).regressed).toBe(true);
    expect(verdicts(fast, slow)).toEqual(["firstEpoch better", "laterEpochs better", "peakRssBytes same"]);
    expect(compareBenches(fast, slow, THRESHOLD).regressed).toBe(false);
    const [row] = compareBenches(slow, fast, THRESHOLD).rows;
    expect(row?.gain.ratio).toBeCloseTo(0.5);
  });

  it("finds more memory", () => {
    const lean = recordingOf({ node: QUIET });
    const fat = { ...lean, samples: lean.samples.map((sample) => ({ ...sample, peakRssBytes: 900e6 })) };
    expect(verdicts(fat, lean)).toContain("peakRssBytes worse");
    expect(verdicts(lean, fat)).toContain("peakRssBytes better");
  });

  it("calls a change that hides in the spread noise", () => {
    const noisy = recordingOf({ node: [90, 130, 95, 105, 125] });
    expect(verdicts(noisy, recordingOf({ node: QUIET }))).toContain("laterEpochs same");
  });

  it("judges by the whole interval and the threshold", () => {
    expect(verdictOf({ ratio: 0.96, low: 0.95, high: 0.969 }, THRESHOLD)).toBe("worse");
    expect(verdictOf({ ratio: 0.96, low: 0.95, high: 0.971 }, THRESHOLD)).toBe("same");
    expect(verdictOf({ ratio: 1.04, low: 1.031, high: 1.05 }, THRESHOLD)).toBe("better");
  });

  it("does not judge two runs", () => {
    const two = recordingOf({ node: [200, 201] });
    const comparison = compareBenches(two, recordingOf({ node: QUIET }), THRESHOLD);
    expect(comparison.rows.map(({ verdict }) => verdict)).toEqual(["few", "few", "few"]);
    expect(comparison.regressed).toBe(false);
    expect(comparisonText(comparison, THRESHOLD)).toContain("not judged: fewer than 3 runs");
  });

  it("says what it leaves out", () => {
    const now = recordingOf({ node: QUIET, webgpu: QUIET });
    const before = recordingOf({ node: QUIET, wasm: QUIET });
    const [subject] = before.subjects;
    if (subject !== undefined) before.subjects[0] = { ...subject, settings: { threads: 1 } };
    const { rows, left } = compareBenches(now, before, THRESHOLD);
    expect(rows).toEqual([]);
    expect(left).toEqual(["node: other settings (threads)", "webgpu: only now", "wasm: only before"]);
    const uncached = { ...now, subjects: now.subjects.map((entry) => ({ ...entry, cache: "off" as const })) };
    expect(compareBenches(uncached, now, THRESHOLD).left).toContain("node: another state of the cache");
  });

  it("takes a setting that only one version has for no change", () => {
    const now = recordingOf({ node: QUIET });
    const [subject] = now.subjects;
    if (subject !== undefined) now.subjects[0] = { ...subject, settings: { threads: 2, added: true } };
    expect(compareBenches(now, recordingOf({ node: QUIET }), THRESHOLD).left).toEqual([]);
    expect(compareBenches(recordingOf({ node: QUIET }), now, THRESHOLD).left).toEqual([]);
  });

  it("does not call a baseline's bad day a regression", () => {
    const before = recordingOf({ node: QUIET, "keras-fit": QUIET });
    const now = recordingOf({ node: QUIET, "keras-fit": QUIET.map((ms) => 2 * ms) });
    expect(verdicts(now, before)).toContain("laterEpochs worse");
    expect(compareBenches(now, before, THRESHOLD).regressed).toBe(false);
  });

  it("refuses another machine and another workload, unless it is forced", () => {
    const now = recordingOf({ node: QUIET });
    const elsewhere = { ...now, machine: { ...now.machine, processor: "Q" } };
    const otherwise = { ...now, workloads: now.workloads.map((entry) => ({ ...entry, hash: "other" })) };
    expect(() => checkComparable(now, elsewhere, false)).toThrow("processor Q before, P now");
    expect(() => checkComparable(now, otherwise, false)).toThrow("depth 100, batch 8: another model");
    expect(() => checkComparable(now, elsewhere, true)).not.toThrow();
    expect(() => checkComparable(now, { ...now, machine: { ...now.machine, os: "Linux 7" } }, false)).not.toThrow();
  });
});

describe("the table", () => {
  it("divides by the Keras that is best in each measure", () => {
    const report = recordingOf({
      node: QUIET,
      "keras-fit": QUIET.map((ms) => 2 * ms),
      "keras-batch": QUIET.map((ms) => 3 * ms),
    });
    const samples = report.samples.map((sample) =>
      sample.subject === "keras-batch" ? { ...sample, peakRssBytes: 400e6 } : sample,
    );
    const text = benchText({ ...report, samples });
    const row = text.slice(text.indexOf("node"), text.indexOf("keras-fit"));
    expect(row).toMatch(/│ 2\.00 \(\d\.\d\d – \d\.\d\d\)/);
    expect(row).toContain("0.80 (0.80 – 0.80)"); // 400 MB of keras-batch over 500
    expect(text).toContain("median (lowest – highest run)");
  });

  it("says what is missing, what failed, and that the machine was busy", () => {
    const report = recordingOf({ node: QUIET });
    const missing = { code: "torch-missing", reason: "No torch.", hint: "Install it." };
    const baseline = { name: "pytorch", runner: "p", settings: {}, cache: "none", role: "baseline" } as const;
    const text = benchText({
      ...report,
      complete: false,
      subjects: [...report.subjects, { ...baseline, engine: null, device: null, onProcessor: false, missing }],
      failures: [{ subject: "node", depth: "0", batchSize: 8, round: 2, code: "step-hung", message: "It hangs." }],
      samples: report.samples.map((sample) => ({ ...sample, othersBusy: 0.4 })),
    });
    expect(text).toContain("missing: pytorch: No torch. hint: Install it.");
    expect(text).toContain("failed: node at depth 0, batch 8, round 2 (step-hung): It hangs.");
    expect(text).toContain("up to 40 % of the processors");
    expect(text).toContain("interrupted");
  });

  it("shows whatever parts of an epoch a runner tells", () => {
    const report = recordingOf({ node: QUIET });
    const samples = report.samples.map((sample) => ({
      ...sample,
      epochs: sample.epochs.map((epoch) => ({ ...epoch, phaseMs: { prefixMs: 12 * epoch.epoch } })),
    }));
    const text = benchText({ ...report, samples });
    expect(text).toContain("prefix, ms an epoch");
    expect(text).toMatch(/│ 100, 8 +│ node +│ 24 +│/); // the second epoch: the first fills the cache
  });
});

describe("roofs", () => {
  const roofs = [
    {
      engine: "E",
      matmul: { size: 2, gigaflops: [50, 100, 80] },
      copy: { bytes: 2, threads: 1, gigabytesPerSecond: [8, 10] },
    },
  ];
  const workload = recordingOf({}).workloads[0] as BenchReport["workloads"][number];

  it("are shared by what is computed, not by what a cache spares", () => {
    const here = { onProcessor: true };
    // 2 · 1e9 operations · 10 images/s of 100e9; 1e8 bytes · 10 of 10e9
    expect(roofShares(roofs, here, workload, null, 10)).toEqual({ matmul: 0.2, copy: 0.1 });
    const cache = { where: "memory", layer: "l", keptBytes: 1, savedMacs: 5e8, savedBytes: 5e7 } as const;
    expect(roofShares(roofs, here, workload, cache, 10)).toEqual({ matmul: 0.1, copy: 0.05 });
    expect(roofShares(roofs, { onProcessor: false }, workload, null, 10)).toBeNull();
    expect(roofShares([], here, workload, null, 10)).toBeNull();
  });
});

describe("the order of rounds", () => {
  it("lets each subject come first in turn", () => {
    expect([1, 2, 3, 4].map((round) => rotated(["a", "b", "c"], round).join(""))).toEqual(["abc", "bca", "cab", "abc"]);
    expect(valuesOf(of("stepMs"), [])).toEqual([]);
  });
});
