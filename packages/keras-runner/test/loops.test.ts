import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import type { EngineSettings, Outcome, Plan, RunEvent } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { describe, expect, it } from "vitest";
import { JUDGE, kerasEvents } from "./keras-run.ts";

const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));
const SPEC = { freeze: "Conv_1", shuffle: false, epochs: 2, batchSize: 4, record: "steps" } as const;
/** Keras adds up a batch's loss in float64 too, but in another order. */
const LOSS_ERROR = 1e-9;

async function outcomeOf(plan: Plan, settings: EngineSettings): Promise<{ events: RunEvent[]; outcome: Outcome }> {
  const events = [...(await kerasEvents(plan, { storeDir: store.folder, settings: { ...JUDGE, ...settings } }))];
  const end = events.at(-1);
  if (end?.type !== "end") throw new Error("Keras's run did not end");
  return { events, outcome: end.outcome };
}

describe("Keras's own loops", () => {
  it("train as this runner's step does, and tell the same", { timeout: 180_000 }, async () => {
    const plan = await contractPlan(store, SPEC);
    const told = (events: readonly RunEvent[]): string[] =>
      events.map((event) => (event.type === "step" ? `step ${event.epoch} ${event.step} ${event.images}` : event.type));
    const own = await outcomeOf(plan, {});
    const steps = own.outcome.steps ?? [];
    expect(steps.length).toBeGreaterThan(4);
    for (const loop of ["fit", "train_on_batch"]) {
      const theirs = await outcomeOf(plan, { loop });
      expect(told(theirs.events)).toEqual(told(own.events));
      for (const [index, { loss }] of steps.entries()) {
        const found = theirs.outcome.steps?.[index]?.loss ?? Number.NaN;
        expect(Math.abs(found - loss) / loss).toBeLessThan(LOSS_ERROR);
      }
      const accuracies = own.outcome.epochs.map(({ train }) => expect.closeTo(train.accuracy, 6));
      expect(theirs.outcome.epochs.map(({ train }) => train.accuracy)).toEqual(accuracies);
      expect(theirs.outcome.digests.frozen).toEqual(own.outcome.digests.frozen);
      for (const { trainMs } of theirs.outcome.epochs) expect(trainMs).toBeGreaterThan(0);
    }
  });

  it("refuse what they cannot do, all of it at once", async () => {
    const plan = await contractPlan(store, {
      freeze: [
        { layers: "block_16_.*", train: false },
        { layers: "head", lrMultiplier: 2 },
        { layers: ".*", train: true },
      ],
      augmentation: { horizontalFlip: true },
      frozenBatchNorm: "batch-stats",
    });
    const wrong = "augmentation, learning rates by layer, this frozenBatchNorm or batchNorm, shuffle";
    await expect(outcomeOf(plan, { loop: "fit" })).rejects.toMatchObject({
      code: "spec-unsupported",
      message: `Runner "keras" cannot do ${wrong} with loop=fit.`,
    });
  });
});
