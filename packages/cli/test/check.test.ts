import { type Availability, type Environment, type Runner, ThawError } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { checkRunner } from "../src/check.ts";

const ENVIRONMENT: Environment = {
  runner: "toy",
  engine: "toy 1.0",
  device: { kind: "cpu", name: "Abacus", software: false },
  settings: {},
  versions: {},
  platform: { os: "linux", arch: "x64", cores: 2, memoryBytes: 1 },
};

/** A runner that answers as told, and counts how often it was let go. */
function toy(probe: () => Promise<Availability>): { find: () => Promise<Runner>; closed: () => number } {
  let closed = 0;
  const runner: Runner = {
    name: "toy",
    probe,
    // biome-ignore lint/correctness/useYield: it is never run
    async *run() {
      throw new Error("nobody runs it");
    },
    async close() {
      closed += 1;
    },
  };
  return { find: async () => runner, closed: () => closed };
}

const on = (device: Environment["device"]): (() => Promise<Availability>) => {
  return async () => ({ ok: true, environment: { ...ENVIRONMENT, device } });
};

describe("the check of a runner", () => {
  it.each<[string, Environment["device"]]>([
    ["toy 1.0 on cpu Abacus", { kind: "cpu", name: "Abacus", software: false }],
    ["toy 1.0 on gpu software (Paper): no adapter", { kind: "gpu", name: "Paper", software: true, note: "no adapter" }],
  ])("tells engine and device: %s", async (found, device) => {
    const { find, closed } = toy(on(device));
    expect(await checkRunner("toy", find)).toMatchObject({ name: "runner toy", status: "ok", found });
    expect(closed()).toBe(1);
  });

  it("tells why a runner cannot run, and what to do", async () => {
    const { find } = toy(async () => ({ ok: false, code: "toy-broken", reason: "A bead is gone.", hint: "Find it." }));
    expect(await checkRunner("toy", find)).toEqual({
      name: "runner toy",
      status: "missing",
      found: "A bead is gone.",
      hint: "Find it.",
    });
  });

  it("notes a runner that may be left out, and misses one that breaks", async () => {
    const reason = { code: "toy-missing", reason: "There is no abacus.", hint: "Buy one." };
    const { find } = toy(async () => ({ ok: false, ...reason }));
    expect(await checkRunner("toy", find, true)).toMatchObject({ status: "note", hint: "Buy one." });
    const broken = toy(async () => {
      throw new ThawError("runner-crashed", "It fell down.");
    });
    expect(await checkRunner("toy", broken.find, true)).toMatchObject({ status: "missing" });
  });

  it("is a line too if the probe throws, and lets the runner go", async () => {
    const { find, closed } = toy(async () => {
      throw new TypeError("x is not a function");
    });
    expect(await checkRunner("toy", find)).toMatchObject({ status: "missing", found: "x is not a function" });
    expect(closed()).toBe(1);
  });

  it("is a line too if the runner cannot be loaded", async () => {
    const find = async (): Promise<Runner> => {
      throw new ThawError("runner-unknown", "There is none.", { hint: "Build it." });
    };
    expect(await checkRunner("toy", find)).toMatchObject({
      status: "missing",
      found: "There is none.",
      hint: "Build it.",
    });
  });
});
