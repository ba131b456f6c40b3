import type { Plan } from "../plan/plan.ts";
import type { SpecInput } from "../spec/schema.ts";
import type { TestFunctions } from "./contract.ts";
import { outcomeOf } from "./contract-events.ts";
import type { RunEvent, Runner, RunOptions } from "./runner.ts";

/** Collects a run's events, and drops the run at one of them, as a kill would. */
async function eventsUntil(
  runner: Runner,
  plan: Plan,
  options: RunOptions,
  isLast: (event: RunEvent) => boolean,
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of runner.run(plan, options)) {
    events.push(event);
    if (isLast(event)) break;
  }
  return events;
}

/** All that counts is in use: two phases, dropout, flips, slots of two kinds, early stopping that restores. */
const EVERYTHING: Partial<SpecInput> = {
  shuffle: true,
  augmentation: { horizontalFlip: true },
  model: { alpha: 0.35, imageSize: 32, weights: "random", head: { dropout: 0.25 } },
  phases: [
    { name: "head", epochs: 1, freeze: 155 },
    { name: "top", epochs: 3, freeze: 150, optimizer: { name: "sgd", learningRate: 1e-3, momentum: 0.9 } },
  ],
  earlyStopping: { monitor: "validationLoss", patience: 2, restoreBestWeights: true },
};

/** Tests that a run goes on from its checkpoint to the same bits. */
export function testResume(
  runner: Runner,
  planOf: (change: Partial<SpecInput>) => Promise<Plan>,
  options: RunOptions,
  test: (name: string, body: () => Promise<void>) => void,
  expect: TestFunctions["expect"],
): void {
  test("goes on with a run that was killed, to the same bits", async () => {
    const plan = await planOf(EVERYTHING);
    const whole = outcomeOf(await eventsUntil(runner, plan, options, () => false));
    const file = `${options.storeDir}/${runner.name}.checkpoint`;
    const kept: RunOptions = { ...options, checkpoint: { file, everyMs: 0, by: "the contract" } };
    // In the first phase, then in the middle of an epoch of the second; a process may get further before it is killed.
    const least = [2, 8];
    for (const step of least) {
      const isLast = (event: RunEvent): boolean => event.type === "checkpoint" && event.step >= step;
      const events = await eventsUntil(runner, plan, kept, isLast);
      expect(events.at(-1)?.type).toBe("checkpoint");
    }
    const rest = await eventsUntil(runner, plan, kept, () => false);
    const outcome = outcomeOf(rest);
    const resumed = outcome.resumed ?? [];
    expect(resumed.length).toBe(least.length);
    expect(resumed.every((step, index) => step >= (least[index] ?? 0))).toBe(true);
    expect(rest.filter((event) => event.type === "step").length).toBe(12 - (resumed.at(-1) ?? 0));
    expect(outcome.steps).toEqual(whole.steps);
    expect(outcome.digests).toEqual(whole.digests);
    expect(outcome.predictions).toEqual(whole.predictions);
    expect(outcome.final).toEqual(whole.final);
    expect(outcome.epochs.map(({ learningRate }) => learningRate)).toEqual(
      whole.epochs.map(({ learningRate }) => learningRate),
    );
  });
}
