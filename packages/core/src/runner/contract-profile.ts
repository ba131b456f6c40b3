import { ThawError } from "../error.ts";
import type { Layer } from "../model/layer.ts";
import { type Plan, passOf } from "../plan/plan.ts";
import type { TestFunctions } from "./contract.ts";
import type { RunEvent, Runner, RunOptions } from "./runner.ts";

/** Rounding of sums of times. */
const LITTLE_MS = 1e-3;

/** The part of a runner's contract that is about profiles, for runners that can be profiled. */
export function testProfile(
  runner: Runner,
  planOf: () => Promise<Plan>,
  options: RunOptions,
  test: (name: string, body: () => Promise<void>) => void,
  expect: TestFunctions["expect"],
): void {
  if (runner.profiles !== true) return;

  test("profiles steps without changing a bit of them", async () => {
    const plan = await planOf();
    const [phase] = plan.phases;
    if (phase === undefined) throw new ThawError("internal", "The plan has no phase.");
    const runs: RunEvent[][] = [];
    // More steps than there are: the run goes to its end.
    for (const asked of [{}, { profile: { phase: phase.name, warmupSteps: 1, steps: 99 } }]) {
      const events: RunEvent[] = [];
      for await (const event of runner.run(plan, { ...options, ...asked })) events.push(event);
      runs.push(events);
    }
    const [plain, profiled] = runs.map((events) =>
      events.flatMap((event) => (event.type === "end" ? [event.outcome.digests, event.outcome.steps] : [])),
    );
    expect(profiled).toEqual(plain);
    const profiles = runs.map((events) => events.flatMap((event) => (event.type === "profile" ? [event] : [])));
    expect(profiles.map(({ length }) => length)).toEqual([0, 1]);
    const trained = passOf(plan, phase).filter(({ trains }) => trains);
    const steps = profiles[1]?.[0]?.steps ?? [];
    expect(steps.length).toBeGreaterThan(0);
    for (const { ms, passes, layers, calls } of steps) {
      for (const part of ["forward", "backward"]) {
        const seen = new Set(layers.filter(({ pass }) => pass === part).map(({ layer }) => layer));
        // A normalization may be done with the convolution before it.
        const isThere = ({ name, op, inputs }: Layer): boolean =>
          seen.has(name) || (op.type === "BatchNormalization" && inputs.every((input) => seen.has(input)));
        expect(trained.filter(({ layer }) => !isThere(layer)).map(({ layer }) => layer.name)).toEqual([]);
      }
      const whole = passes.reduce((sum, part) => sum + part.ms, 0);
      expect(Math.abs(whole - ms) < LITTLE_MS).toBe(true);
      expect(calls.filter(({ layer }) => layer !== null).length).toBeGreaterThan(trained.length);
    }
  });
}
