import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { openStore } from "@thaw/assets";
import type { EngineSettings, Environment, Outcome } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { describe, expect, it } from "vitest";
import { createRunner } from "../src/index.ts";
import { locateNative } from "../src/native/locate.ts";
import { loadOwnKernels } from "../src/native/own-kernels.ts";

const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));

async function run(settings: EngineSettings): Promise<{ environment: Environment; outcome: Outcome }> {
  let environment: Environment | undefined;
  let outcome: Outcome | undefined;
  const plan = await contractPlan(store, { freeze: 0 });
  for await (const event of createRunner("node").run(plan, { storeDir: store.folder, settings })) {
    if (event.type === "start") environment = event.environment;
    if (event.type === "end") outcome = event.outcome;
  }
  if (environment === undefined || outcome === undefined) throw new Error("The run has no start or no end.");
  return { environment, outcome };
}

describe("own kernels", () => {
  it("run, say so, and give the same bits with one thread and with three", async () => {
    const [one, three] = [await run({ threads: 1 }), await run({ threads: 3 })];
    expect(one.environment.versions.kernels).toMatch(/^own, tf-.*-kernels-[0-9a-f]{8}, (4|8|16) lanes$/);
    expect(three.outcome.digests).toEqual(one.outcome.digests);
    expect(three.outcome.steps).toEqual(one.outcome.steps);
  }, 60_000);

  it("give way to TensorFlow's where these are asked for", async () => {
    const { environment, outcome } = await run({ kernels: "tensorflow" });
    expect(environment.versions.kernels).toBe("TensorFlow's, as asked for");
    const own = await run({});
    const losses = (steps: Outcome["steps"]): number[] => steps?.map(({ loss }) => loss) ?? [];
    // A tiny network with random weights: TensorFlow with and without oneDNN is 6e-5 apart on its first loss.
    expect(losses(outcome.steps)[0]).toBeCloseTo(losses(own.outcome.steps)[0] ?? Number.NaN, 3);
    expect(outcome.digests.final).not.toBe(own.outcome.digests.final);
  }, 60_000);
});

describe("loadOwnKernels", () => {
  /** A copy of the build with a changed manifest, beside an empty folder of the addon's. */
  function copied(change: (manifest: Record<string, unknown>) => void): string {
    const { folder } = locateNative();
    const native = mkdtempSync(join(tmpdir(), "thaw-"));
    const addon = join(native, basename(folder));
    mkdirSync(addon);
    for (const name of readdirSync(dirname(folder)).filter((entry) =>
      entry.startsWith(`${basename(folder)}-kernels-`),
    )) {
      cpSync(join(dirname(folder), name), join(native, name), { recursive: true });
      const file = join(native, name, "manifest.json");
      const manifest = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
      change(manifest);
      writeFileSync(file, JSON.stringify(manifest));
    }
    return addon;
  }
  const reasonOf = (folder: string): string => {
    const loaded = loadOwnKernels(folder, 1);
    return loaded.ok ? "loaded" : loaded.reason;
  };

  it("says why there are none", () => {
    const empty = join(mkdtempSync(join(tmpdir(), "thaw-")), "addon");
    mkdirSync(empty);
    expect(reasonOf(empty)).toBe("they were not built (npm run setup)");
    const older = copied((manifest) => Object.assign(manifest, { sources: { "gemm.cc": "0" } }));
    expect(reasonOf(older)).toBe("they were not built (npm run setup)");
    const foreign = copied((manifest) => Object.assign(manifest, { needs: ["avx1024"] }));
    expect(reasonOf(foreign)).toBe("they were built for a processor with avx1024");
    const cut = copied((manifest) => Object.assign(manifest, { bytes: 1 }));
    expect(reasonOf(cut)).toMatch(/thaw_kernels.node is not whole$/);
  });
});
