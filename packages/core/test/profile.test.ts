import { describe, expect, it } from "vitest";
import { passOf } from "../src/plan/plan.ts";
import type { ProfiledStep, RunProfile } from "../src/runner/profile.ts";
import { cpuKernels } from "./cpu-engine.ts";
import { complete, lasting, type TinyResult, tinyRun } from "./tiny-run.ts";

function profileOf({ events }: TinyResult): RunProfile {
  const [profile, ...more] = events.filter((event) => event.type === "profile");
  if (profile === undefined || more.length > 0) throw new Error("A profiled run says one profile.");
  return profile;
}

const sum = (spans: readonly { readonly ms: number }[]): number => spans.reduce((total, { ms }) => total + ms, 0);
/** A clock that goes on by a millisecond whenever it is read: spans that touch, touch exactly. */
const tickingClock = (): (() => number) => {
  let now = 1000;
  return () => (now += 1);
};

const request = { phase: "phase-1", warmupSteps: 0, steps: 2 };
const run = await tinyRun({ freeze: 130, epochs: 2, model: { head: { dropout: 0.2 } } });
const result = await complete(run, { profile: request, now: tickingClock() });
const profile = profileOf(result);
const pass = passOf(run.plan, run.plan.phases[0] ?? expect.fail("The plan has no phase."));

/** Names of layers in a part, in the order of time. */
function layersIn({ layers }: ProfiledStep, part: string): string[] {
  return layers.filter((layer) => layer.pass === part).map(({ layer }) => layer);
}

describe("a profiled run", () => {
  it("looks at the steps behind the warm-up, and ends there", () => {
    expect(profile.steps.map(({ step, epoch, images }) => [step, epoch, images])).toEqual([
      [1, 1, 4], // step 2 has two images only
      [3, 2, 4],
    ]);
    expect(result.events.filter(({ type }) => type === "step").length).toBe(3);
    expect(result.outcome.final.validation).toBeNull();
    expect(profile).toMatchObject({ phase: "phase-1", warmupSteps: 0, evaluation: { images: 3 } });
  });

  it("cuts each step into parts that follow each other and fill it", () => {
    const tail = ["forward", "backward", "optimizer", "wait"];
    const parts = profile.steps.map(({ passes }) => passes.map((part) => part.pass));
    expect(parts).toEqual([
      // Images are drawn once it is known which are wanted, and the first time one is computed alone to compare.
      ["input", "prefix", "input", "prefix", "input", "prefix", ...tail],
      ["input", "prefix", ...tail],
    ]);
    for (const { startMs, ms, passes } of profile.steps) {
      const ends = passes.map((part) => part.startMs + part.ms);
      expect(passes.map((part) => part.startMs)).toEqual([startMs, ...ends.slice(0, -1)]);
      expect(ends.at(-1)).toBe(startMs + ms);
    }
    expect(profile.evaluation?.passes.map((part) => part.pass)).toEqual(["evaluate"]);
  });

  it.each(["forward", "backward"] as const)(
    "has every trained layer in %s, with all of the part's time but the loss",
    (part) => {
      const trained = pass.filter(({ trains }) => trains).map(({ layer }) => layer.name);
      for (const step of profile.steps) {
        expect(layersIn(step, part)).toEqual(expect.arrayContaining(trained));
        const inside = sum(step.layers.filter((layer) => layer.pass === part));
        const loss = sum(step.calls.filter((call) => call.pass === part && call.layer === null));
        const whole = sum(step.passes.filter((each) => each.pass === part));
        expect(inside + loss).toBeLessThanOrEqual(whole);
        expect(whole - inside - loss).toBeLessThan(0.1 * whole);
      }
    },
  );

  it("goes up in the forward and down in the backward pass, each layer once", () => {
    const order = pass.map(({ layer }) => layer.name);
    const position = (name: string): number => order.indexOf(name);
    const [step] = profile.steps;
    if (step === undefined) throw new Error("No step was profiled.");
    const [up, down] = [layersIn(step, "forward").map(position), layersIn(step, "backward").map(position)];
    expect(up).toEqual([...new Set(up)].sort((a, b) => a - b));
    expect(down).toEqual([...new Set(down)].sort((a, b) => b - a));
    expect(Math.min(...down)).toBe(pass.findIndex(({ carriesGradient }) => carriesGradient));
  });

  it("puts each call of a kernel into its layer and notes what is alive", () => {
    for (const { layers, calls, ms } of [...profile.steps, profile.evaluation ?? expect.fail()]) {
      for (const call of calls) {
        const inside = ({ startMs: from, ms: length }: typeof call | (typeof layers)[number]): boolean =>
          from <= call.startMs && call.startMs + call.ms <= from + length;
        const owners = layers.filter(inside).map(({ layer }) => layer);
        expect(owners).toEqual(call.layer === null ? [] : [call.layer]);
        expect(call.bytes).toBeGreaterThan(1e6);
      }
      expect(calls.map((call) => call.startMs)).toEqual([...calls.map((call) => call.startMs)].sort((a, b) => a - b));
      expect(sum(calls)).toBeLessThan(ms);
    }
    const kernels = new Set(profile.steps[0]?.calls.map(({ kernel }) => kernel));
    for (const kernel of ["conv2d", "depthwiseConv2dKernelGradient", "optimizerStep", "download"] as const) {
      expect(kernels).toContain(kernel);
    }
  });

  it("leaves the loss to no layer, and waits for what is read back", async () => {
    const loss = ["uploadLabels", "softmaxCrossEntropy", "download"];
    const [step] = profile.steps;
    const lossCalls = step?.calls.filter(({ kernel, pass: part }) => part === "forward" && loss.includes(kernel)) ?? [];
    expect(lossCalls.map(({ kernel, layer }) => [kernel, layer])).toEqual(
      [...loss, "download"].map((kernel) => [kernel, null]),
    );
    const now = tickingClock();
    const kernels = await cpuKernels();
    const download: typeof kernels.download = async (tensor) => {
      const values = await kernels.download(tensor);
      for (let tick = 0; tick < 100; tick += 1) now();
      return values;
    };
    const slow = profileOf(
      await complete(run, { profile: { ...request, steps: 1 }, now, kernels: { ...kernels, download } }),
    );
    const downloads = slow.steps[0]?.calls.filter(({ kernel }) => kernel === "download") ?? [];
    expect(Math.min(...downloads.map(({ ms }) => ms))).toBeGreaterThan(100);
  });

  it("changes no bit of what is trained", async () => {
    const whole = await complete(run, { profile: { ...request, warmupSteps: 1, steps: 9 } });
    const plain = await complete(run);
    expect(whole.outcome.digests).toEqual(plain.outcome.digests);
    expect(whole.outcome.steps).toEqual(plain.outcome.steps);
    expect(plain.events.some(({ type }) => type === "profile")).toBe(false);
    expect(lasting(result.outcome)).not.toEqual(lasting(plain.outcome));
  });

  it("sees the frozen prefix while it is computed, and no more of it once its outputs are kept", () => {
    const [computed, kept] = profile.steps.map((step) => layersIn(step, "prefix"));
    expect(computed).toContain("Conv1");
    expect(kept).toEqual([]);
  });

  it("trains the phase that was asked for, and no other", async () => {
    const phases = [
      { name: "head", epochs: 1, freeze: 155 },
      { name: "tail", epochs: 1, freeze: 140 },
    ];
    const { plan, ...rest } = await tinyRun({ phases, epochs: undefined });
    const tail = await complete({ plan, ...rest }, { profile: { phase: "tail", warmupSteps: 0, steps: 1 } });
    expect(tail.events.flatMap((event) => (event.type === "cache" ? [event.phase] : []))).toEqual(["tail"]);
    expect(layersIn(profileOf(tail).steps[0] ?? expect.fail(), "backward")).toContain("block_16_project");
  });

  it("gives each call what the device took for its dispatches", async () => {
    let dispatches = 0;
    const deviceTimer = {
      start: () => {
        dispatches = 0;
      },
      count: () => (dispatches += 1), // one more at each look: every call has dispatched once
      stop: async () => Array.from({ length: dispatches }, () => 0.5),
    };
    const timed = profileOf(await complete(run, { profile: { ...request, steps: 1 }, deviceTimer }));
    expect(new Set(timed.steps[0]?.calls.map(({ deviceMs }) => deviceMs))).toEqual(new Set([0.5]));
  });
});
