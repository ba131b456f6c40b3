import { preparePlan } from "@thaw/assets";
import { parseSpec, type RunEvent } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { cacheState, keptBy } from "../src/bench/cache-state.ts";
import { baselineOf, type Subject, subjectsOf } from "../src/bench/subject.ts";
import { SMALL_SPEC } from "./command-line.ts";

const [on, off] = subjectsOf("node", ["on", "off"]) as [Subject, Subject];
const KEPT: Extract<RunEvent, { type: "cache" }> = {
  type: "cache",
  phase: "phase-1",
  where: "memory",
  cut: 2,
  layer: "bn_Conv1",
  tensors: [],
  bytesPerImage: 1000,
  images: 40,
  keeps: 10,
  savedMacs: 8000,
  recomputedMacs: 0,
  reason: "1 MB in memory",
};

describe("the cache of a subject", () => {
  it("is switched off by a budget of nothing, and has a name of its own beside the other", () => {
    expect([on.name, off.name]).toEqual(["node", "node, no cache"]);
    expect(subjectsOf("node", ["off"]).map(({ name }) => name)).toEqual(["node"]);
    expect(cacheState("off")).toEqual({ cache: { memoryBytes: 0, diskBytes: 0 } });
    expect(cacheState("on")).toEqual({});
    expect(cacheState(baselineOf("keras-fit").cache)).toEqual({});
  });

  it("is recorded with what it spares, of the images that it keeps; one that should not be there is an error", async () => {
    const spec = parseSpec(SMALL_SPEC, { where: "test" });
    const { plan } = await preparePlan(spec, { baseDir: process.cwd() });
    // Conv1's input 32 × 32 × 3 and output 16 × 16 × 16, each written and read once as float32, for 10 of 40 images
    const savedBytes = (8 * (32 * 32 * 3 + 16 * 16 * 16)) / 4;
    const kept = { where: "memory", layer: "bn_Conv1", keptBytes: 10_000, savedMacs: 2000, savedBytes };
    expect(keptBy(on, plan, KEPT)).toEqual(kept);
    expect(() => keptBy(off, plan, KEPT)).toThrow("keeps frozen features though it was told not to");
    expect(keptBy(off, plan, { ...KEPT, where: "nowhere", keeps: 0 })).toMatchObject({
      where: "nowhere",
      savedMacs: 0,
    });
  });
});
