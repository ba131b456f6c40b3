import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type PreparedPlan, preparePlan } from "@thaw/assets";
import { parseSpec, type RunEvent, type Runner } from "@thaw/core";
import { createRunner as createNode } from "@thaw/node-runner";
import { beforeAll, describe, expect, it } from "vitest";
import { createRunner as createPyTorch } from "../src/bench-pytorch.ts";
import { createRunner as createStock } from "../src/bench-stock.ts";

const SPEC = {
  version: 1,
  name: "baselines",
  model: { alpha: 0.35, imageSize: 32, weights: "random" },
  data: { kind: "builtin", name: "fashion-shoes", limit: 20 },
  split: { validation: 0, test: 0 },
  batchSize: 8,
  epochs: 2,
  shuffle: false,
} as const;

async function collect(runner: Runner, { plan, storeDir }: PreparedPlan): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of runner.run(plan, { storeDir, settings: {} })) events.push(event);
  return events;
}

/** What a benchmark reads of a run: `step 1 8` is a step of 8 images in epoch 1. */
function told(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === "step") return [`step ${event.epoch} ${event.images}`];
    return event.type === "epoch" || event.type === "end" ? [event.type] : [];
  });
}

function lossesOf(events: readonly RunEvent[]): number[] {
  return events.flatMap((event) => (event.type === "step" ? [event.loss] : []));
}

describe("baselines", () => {
  let prepared: PreparedPlan;
  let ours: RunEvent[];

  beforeAll(async () => {
    prepared = await preparePlan(parseSpec(SPEC, { where: "test" }), { baseDir: process.cwd() });
    ours = await collect(createNode("node"), prepared);
  });

  it.each([
    ["stock", createStock()],
    ["pytorch", createPyTorch()],
  ])("%s starts from our weights, sees our batches, and tells its times and its memory", async (name, runner) => {
    const available = await runner.probe();
    if (!available.ok) {
      // PyTorch is nobody's duty: without it, it says so.
      expect([name, available.code]).toEqual(["pytorch", "torch-missing"]);
      expect(available.hint).toContain("THAW_TORCH_PYTHON");
      return;
    }
    const events = await collect(runner, prepared);
    expect(told(events)).toEqual(told(ours));
    // With nothing frozen all of them do the same; after an update rounding has its say.
    expect(lossesOf(events)[0]).toBeCloseTo(lossesOf(ours)[0] ?? Number.NaN, 2);
    for (const event of events) {
      if (event.type === "step") expect(event.ms).toBeGreaterThan(0);
      if (event.type === "epoch") expect(event.trainMs).toBeGreaterThan(0);
      if (event.type === "end") expect(event.outcome.memory.peakRssBytes).toBeGreaterThan(1e8);
    }
  });

  it("stock refuses what it cannot do", async () => {
    const spec = parseSpec({ ...SPEC, augmentation: { horizontalFlip: true } }, { where: "test" });
    const augmented = await preparePlan(spec, { baseDir: process.cwd() });
    await expect(collect(createStock(), augmented)).rejects.toMatchObject({ code: "spec-unsupported" });
  });
});

describe("roofs", () => {
  it("are printed as one line of JSON", () => {
    const program = fileURLToPath(new URL("../src/bench-roofs.ts", import.meta.url));
    const printed = execFileSync(process.execPath, ["--import", "tsx", "--conditions=source", program], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const { matmul, copy } = JSON.parse(printed) as Record<"matmul" | "copy", Record<string, number[]>>;
    expect(Math.max(...(matmul.gigaflops ?? []))).toBeGreaterThan(1);
    expect(Math.max(...(copy.gigabytesPerSecond ?? []))).toBeGreaterThan(0.5);
    expect(printed.trim().split("\n")).toHaveLength(1);
  });
});
