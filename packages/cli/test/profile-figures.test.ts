import {
  buildNetwork,
  type Environment,
  type FeatureCachePlan,
  type ProfiledCall,
  type ProfiledStep,
  parseSpec,
  planPass,
  type RunProfile,
  resolveFreeze,
} from "@thaw/core";
import { describe, expect, it } from "vitest";
import { profileFigures } from "../src/profile/profile-figures.ts";
import { suggestionsOf } from "../src/profile/suggestions.ts";
import { SMALL_SPEC } from "./command-line.ts";

const spec = parseSpec(SMALL_SPEC);
const network = buildNetwork(spec.model, 3);
const pass = planPass(network.layers, resolveFreeze(0, network.base.layers, network.head, spec));

const ENVIRONMENT: Environment = {
  runner: "some",
  engine: "an engine",
  device: { kind: "gpu", name: "a GPU", software: false },
  settings: {},
  versions: {},
  platform: { os: "any", arch: "any", cores: 1, memoryBytes: 0 },
};
const CACHE: FeatureCachePlan = {
  where: "nowhere",
  cut: 0,
  layer: "block_1_expand",
  tensors: [],
  bytesPerImage: 0,
  images: 0,
  keeps: 0,
  savedMacs: 3e6,
  recomputedMacs: 0,
  reason: "images are shifted at random",
};

/** A step of a second: 100 ms of prefix, then Conv1 for 300 ms and the head for 100 ms, forward and backward. */
function step(epoch: number, ms: number, deviceMs?: readonly [conv: number, head: number]): ProfiledStep {
  const device = (index: 0 | 1): Pick<ProfiledCall, "deviceMs"> =>
    deviceMs === undefined ? {} : { deviceMs: deviceMs[index] };
  const memory = { tensors: 3, bytes: 100 };
  const layers = [
    { layer: "Conv1", pass: "forward", startMs: 100, ms: 300 },
    { layer: "head", pass: "forward", startMs: 400, ms: 100 },
    { layer: "head", pass: "backward", startMs: 500, ms: 100 },
    { layer: "Conv1", pass: "backward", startMs: 600, ms: 300 },
  ] as const;
  const kernels = ["conv2d", "dense", "denseKernelGradient", "conv2dKernelGradient"] as const;
  return {
    epoch,
    step: epoch,
    images: 8,
    startMs: 0,
    ms,
    passes: [
      { pass: "prefix", startMs: 0, ms: 100 },
      { pass: "forward", startMs: 100, ms: 400 },
      { pass: "backward", startMs: 500, ms: 400 },
      { pass: "wait", startMs: 900, ms: ms - 900 },
    ],
    layers,
    calls: layers.map((layer, index) => ({
      ...layer,
      ...memory,
      kernel: kernels[index] ?? expect.fail(),
      ...device(layer.layer === "Conv1" ? 0 : 1),
    })),
  };
}

const profile = (...steps: ProfiledStep[]): RunProfile => ({ phase: "p", warmupSteps: 0, steps, evaluation: null });
const share = (figures: ReturnType<typeof profileFigures>, layer: string): number | undefined =>
  figures.layers.find((row) => row.layer === layer)?.share;

describe("figures of a profile", () => {
  it("go by the program's clock where kernels are done when they return", () => {
    const figures = profileFigures(profile(step(1, 1000), step(2, 1000)), pass, false);
    expect([figures.clock, share(figures, "Conv1"), share(figures, "head")]).toEqual(["exact", 0.6, 0.2]);
    expect(figures.hotSpots[0]).toEqual({ kernel: "conv2d", layer: "Conv1", ms: 300, share: 0.3 });
    expect(figures.outsideKernelsMs).toBe(100);
    const said = suggestionsOf(figures, ENVIRONMENT, null, []).join("\n");
    expect(said).toContain("conv2d of Conv1: 30 % of the step");
    expect(said).toContain("Conv1: 60 % of the step (300 ms forward, 300 ms backward)");
    expect(said).toContain("10 % of the step (100 ms) are outside of kernels");
  });

  it("say of a device that works on its own how long handing over took, and call no layer slow by it", () => {
    const figures = profileFigures(profile(step(1, 1000)), pass, true);
    expect(figures.clock).toBe("submission");
    const software: Environment = { ...ENVIRONMENT, device: { kind: "gpu", name: "SwiftShader", software: true } };
    const said = suggestionsOf(figures, software, null, []).join("\n");
    expect(said).toContain("those of handing work over");
    expect(said).toContain("The last wait for it: 10 % of the step");
    expect(said).toContain("The GPU is emulated on the processor (SwiftShader)");
    expect(said).not.toContain("Conv1");
  });

  it("go by the device's clock where it was asked, whatever the program's says", () => {
    const figures = profileFigures(profile(step(1, 1000, [10, 30])), pass, true);
    expect([figures.clock, figures.deviceStepMs]).toEqual(["device", 80]);
    expect([share(figures, "Conv1"), share(figures, "head")]).toEqual([0.25, 0.75]);
    expect(figures.layers.at(-1)).toMatchObject({ layer: "head", forwardMs: 30, backwardMs: 30 });
    expect(suggestionsOf(figures, ENVIRONMENT, null, []).join("\n")).toContain("head: 75 % of the device's time");
  });

  it("say why frozen layers are not kept, or what keeping them spares", () => {
    const figures = profileFigures(profile(step(1, 1000)), pass, false);
    const rows = [1, 2].map((epoch) => ({ step: epoch, epoch, ms: 1000, prefixMs: 100 / epoch }));
    const said = (cache: FeatureCachePlan, some: typeof rows): string =>
      suggestionsOf(figures, ENVIRONMENT, cache, some).join("\n");
    expect(said(CACHE, rows)).toContain("every time: their outputs are not kept: images are shifted at random.");
    const kept = { ...CACHE, where: "memory" } as const;
    expect(said(kept, rows.slice(0, 1))).toContain("100 ms in epoch 1; later epochs fetch");
    expect(said(kept, rows)).toContain("are spared 3 M multiply-accumulates an image: 50 ms.");
    expect(said(kept, rows.slice(1))).toContain("50 ms a step to fetch what is kept below block_1_expand.");
  });

  it("warn first where steps differ", () => {
    const figures = profileFigures(profile(step(1, 1000), step(2, 1500)), pass, false);
    expect(suggestionsOf(figures, ENVIRONMENT, null, [])[0]).toContain("Steps took 1000 ms to 1500 ms");
  });

  it("need a step", () => {
    expect(() => profileFigures(profile(), pass, false)).toThrow("No step was profiled.");
  });
});
