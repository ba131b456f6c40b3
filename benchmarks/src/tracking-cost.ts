import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preparePlan } from "@thaw/assets";
import { EventLog, TensorBoardLog, type TrackedCell, type Tracker } from "@thaw/cli/internals";
import { parseSpec, type RunEvent, resultOfPlan } from "@thaw/core";
import { createRunner } from "@thaw/node-runner";

// What a record of every step costs beside the shortest steps there are: the head alone, on features that are kept.
// Processor time, so that a busy machine does not count; the trackers take turns.

const STEPS = 100_000;
const ROUNDS = 7;
const SPEC = {
  version: 1,
  name: "tracking-cost",
  model: { alpha: 0.35, imageSize: 96, weights: "random" },
  data: { kind: "builtin", name: "fashion-shoes", limit: 240 },
  freeze: 154,
  batchSize: 8,
  epochs: 50,
};

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Processor time of one step's event, µs: of this process, its writes included. */
async function costOf(tracker: Tracker, cell: TrackedCell, steps: readonly RunEvent[]): Promise<number> {
  await tracker.begin(cell);
  const before = process.cpuUsage();
  for (let step = 0; step < STEPS; step += 1) tracker.event(steps[step % steps.length] as RunEvent);
  await tracker.end({ failure: { code: "cancelled", message: "measured" } });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / STEPS;
}

const folder = await mkdtemp(join(tmpdir(), "thaw-tracking-"));
try {
  const { plan, storeDir } = await preparePlan(parseSpec(SPEC, { where: "tracking-cost" }), { baseDir: folder });
  const cell: TrackedCell = {
    cell: plan.spec.name,
    sweep: null,
    runner: "node",
    settings: {},
    epochs: SPEC.epochs,
    ...resultOfPlan(plan),
  };
  const steps: (RunEvent & { readonly type: "step" })[] = [];
  for await (const event of createRunner("node").run(plan, { storeDir, settings: {} })) {
    if (event.type === "step" && event.epoch > 1) steps.push(event);
  }
  const stepUs = median(steps.map(({ ms }) => ms)) * 1000;
  const trackers: readonly Tracker[] = [new EventLog(join(folder, "log")), new TensorBoardLog(join(folder, "board"))];
  const costs = trackers.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, tracker] of trackers.entries()) costs[index]?.push(await costOf(tracker, cell, steps));
  }
  console.log(`a step with the head alone, features kept: ${stepUs.toFixed(0)} µs (median of ${steps.length})`);
  for (const [index, { name }] of trackers.entries()) {
    const found = costs[index] ?? [];
    const middle = median(found);
    const spread = `${Math.min(...found).toFixed(2)} to ${Math.max(...found).toFixed(2)}`;
    const share = ((middle / stepUs) * 100).toFixed(2);
    console.log(`${name}: ${middle.toFixed(2)} µs a step (${spread}, ${ROUNDS} rounds of ${STEPS}), ${share} %`);
  }
} finally {
  await rm(folder, { recursive: true });
}
