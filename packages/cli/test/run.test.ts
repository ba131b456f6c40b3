import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseSafetensors, readSavedModel } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { ending, SMALL_SPEC, specFile, start, temporaryFolder, thaw } from "./command-line.ts";
import { resultsIn } from "./result-files.ts";

/** Processes that a process has started and that run the node runner. */
function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const [child, parent, ...args] = line.trim().split(/\s+/);
    return Number(parent) === pid && args.join(" ").includes("node-runner") ? [Number(child)] : [];
  });
}

describe("thaw run", () => {
  it("writes one result with steps, what trains, and the environment, and the weights", async () => {
    const folder = temporaryFolder();
    const weights = join(folder, "final.safetensors");
    const out = join(folder, "out");
    const run = await thaw(["run", specFile(SMALL_SPEC), "--out", out, "--export-weights", weights]);
    expect(run.stderr).toContain("data: fashion-shoes, 30 images in 3 classes");
    expect(run.code).toBe(0);
    const [result, ...others] = resultsIn(out);
    expect(others).toEqual([]);
    expect(result?.steps?.map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 4],
      [2, 5],
      [2, 6],
    ]);
    expect(result?.trainable).toEqual({ tensors: 56, params: 337_699 });
    expect(result?.environment.engine).toMatch(/^libtensorflow \d/);
    expect(result?.environment.settings.oneDnn).toBe(true);
    expect(result?.digests.frozen.after).toBe(result?.digests.frozen.before);
    const tensors = parseSafetensors(readFileSync(weights), weights);
    expect(tensors.size).toBe(262);
    expect(tensors.get("block_1_depthwise/kernel")?.shape).toEqual([3, 3, 48, 1]);
    expect(readdirSync(out).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("keeps the model with the run's record, and says how sure it was of which held-out image", async () => {
    const folder = temporaryFolder();
    const model = join(folder, "shoes.model.safetensors");
    const run = await thaw(["run", specFile(SMALL_SPEC), "--out", join(folder, "out"), "--save-model", model]);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain(`Model: ${model}`);
    const [result] = resultsIn(join(folder, "out"));
    const { record } = await readSavedModel(readFileSync(model), model);
    expect(record.digests).toEqual(result?.digests);
    expect(readdirSync(folder).sort()).toEqual(["out", "shoes.model.safetensors"]);
    const { ids, labels } = result?.data.heldOut?.validation ?? { ids: [], labels: [] };
    expect(ids.length).toBe(result?.data.validation);
    expect(labels.every((label) => label >= 0 && label < 3)).toBe(true);
    expect(result?.certainty?.validation.losses.length).toBe(ids.length);
    const { mtimeMs } = statSync(model);
    const again = await thaw(["run", specFile(SMALL_SPEC), "--out", join(folder, "out"), "--save-model", model]);
    expect([again.code, again.stdout.includes("Result from an earlier run")]).toEqual([0, true]);
    expect(statSync(model).mtimeMs).toBe(mtimeMs);
    const other = specFile({ ...SMALL_SPEC, seed: 8 });
    const taken = await thaw(["run", other, "--out", join(folder, "out"), "--save-model", model]);
    expect(taken.code).toBe(2);
    expect(taken.stderr).toContain("weights are never overwritten");
  });

  it("keeps a result, gives the same bits when asked again, and never overwrites", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile(SMALL_SPEC);
    expect((await thaw(["run", spec, "--out", out])).code).toBe(0);
    const [name = ""] = readdirSync(out).filter((file) => file.endsWith(".json"));
    const { mtimeMs } = statSync(join(out, name));
    const again = await thaw(["run", spec, "--out", out]);
    expect(again.stdout).toContain("Result from an earlier run");
    expect(statSync(join(out, name)).mtimeMs).toBe(mtimeMs);
    expect((await thaw(["run", spec, "--out", out, "--rerun"])).code).toBe(0);
    const [first, second] = resultsIn(out);
    expect(second?.cell).not.toBe(first?.cell);
    expect(second?.steps).toEqual(first?.steps);
    expect(second?.digests).toEqual(first?.digests);
  });

  it("gives other settings another cell, and records them", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, epochs: 1 });
    for (const setting of ["threads=1", "threads=2"]) await thaw(["run", spec, "--out", out, "--set", setting]);
    const threads = resultsIn(out).map((result) => result.environment.settings.threads);
    expect(threads.sort()).toEqual([1, 2]);
  });

  it("refuses to write weights over a file", async () => {
    const folder = temporaryFolder();
    const weights = join(folder, "mine.safetensors");
    writeFileSync(weights, "mine");
    const run = await thaw(["run", specFile(SMALL_SPEC), "--out", folder, "--export-weights", weights]);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain("weights are never overwritten");
    expect(readFileSync(weights, "utf8")).toBe("mine");
  });

  it("stops at Ctrl-C within a step and leaves no result, but its log and what the next run goes on from", async () => {
    const out = join(temporaryFolder(), "out");
    const child = start(["run", specFile({ ...SMALL_SPEC, epochs: 5000 }), "--out", out]);
    const done = ending(child);
    await new Promise<void>((resolve) => {
      child.stderr?.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("epoch 1/")) resolve();
      });
    });
    child.kill("SIGINT");
    const { code, stderr } = await done;
    expect(code).toBe(130);
    expect(stderr).toContain("cancelled");
    expect(readdirSync(out)).toEqual([
      expect.stringMatching(/\.checkpoint$/),
      expect.stringMatching(/^small-node-\w+\.events\.jsonl$/),
    ]);
  });
});

describe("thaw sweep", () => {
  it("hears Ctrl-C while it plans thousands of cells", async () => {
    const out = join(temporaryFolder(), "out");
    const seeds = Array.from({ length: 5000 }, (_, seed) => seed).join(",");
    const child = start(["sweep", specFile(SMALL_SPEC), "--seed", seeds, "--out", out]);
    const done = ending(child);
    child.stderr?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("Planning 5000 cells")) setTimeout(() => child.kill("SIGINT"), 500);
    });
    const { code, stderr } = await done;
    expect(code).toBe(130);
    expect(stderr).toContain("Stopped. Finished cells are in");
    expect(existsSync(out)).toBe(false); // no cell began
  });

  it("keeps each cell's model beside its result, and makes one that is missing", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, epochs: 1 });
    const sweep = ["sweep", spec, "--freeze", "154", "--out", out];
    expect((await thaw(sweep)).code).toBe(0);
    expect((await thaw([...sweep, "--save-models"])).code).toBe(0);
    const [first, second] = resultsIn(out);
    const models = readdirSync(out).filter((name) => name.endsWith(".model.safetensors"));
    expect(models).toEqual([`${second?.cell}.model.safetensors`]);
    expect(second?.digests).toEqual(first?.digests);
    const fresh = join(temporaryFolder(), "out");
    const kept = ["sweep", spec, "--freeze", "154", "--out", fresh, "--save-models"];
    await thaw(kept);
    expect((await thaw(kept)).stderr).toContain("done before");
    expect(readdirSync(fresh).filter((name) => !name.endsWith(".jsonl")).length).toBe(2);
  });

  it("runs every cell, and goes on where it was stopped", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, epochs: 1 });
    const first = await thaw(["sweep", spec, "--freeze", "100,block_16_project", "--lr", "1e-3", "--out", out]);
    expect(first.code).toBe(0);
    expect(resultsIn(out)).toHaveLength(2);
    const more = await thaw(["sweep", spec, "--freeze", "100,block_16_project,154", "--lr", "1e-3", "--out", out]);
    expect(more.stderr.match(/done before/g)).toHaveLength(2);
    expect(resultsIn(out)).toHaveLength(3);
    expect(more.stdout).toContain("trains head alone");
    expect(more.stdout).toContain("trains block_16_project … head");
  });

  it("goes on after a cell that fails, shows it, and says so by its exit code", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, optimizer: { name: "sgd", learningRate: 1e-2 }, epochs: 1 });
    const run = await thaw(["sweep", spec, "--freeze", "0", "--lr", "1e38,1e-3", "--out", out]);
    expect(run.code).toBe(4);
    expect(run.stdout).toContain("failed: non-finite");
    expect(run.stderr).toMatch(/failed \(non-finite\): Training stopped at epoch 1, step \d/);
    expect(resultsIn(out)).toHaveLength(1);
  });

  it("survives the death of a runner's process, and leaves none behind", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, epochs: 5000 });
    const child = start(["sweep", spec, "--freeze", "100", "--lr", "1e-3", "--out", out]);
    const done = ending(child);
    await new Promise<void>((resolve) => {
      child.stderr?.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("epoch 1/")) resolve();
      });
    });
    const [runnerPid] = childrenOf(child.pid ?? 0);
    process.kill(runnerPid ?? 0, "SIGKILL");
    const { code, stdout, stderr } = await done;
    expect(code).toBe(4);
    expect(stdout).toContain("failed: runner-crashed");
    expect(stderr).toContain("signal SIGKILL");
    expect(() => process.kill(runnerPid ?? 0, 0)).toThrow("ESRCH");
  });

  it("takes the best freeze policy of an earlier group", async () => {
    const out = join(temporaryFolder(), "out");
    const { freeze: _freeze, ...experiment } = SMALL_SPEC;
    const sweep = {
      version: 1,
      name: "two",
      experiment: { ...experiment, epochs: 1 },
      groups: [
        { name: "A", vary: { freeze: [100, 154] } },
        { name: "B", bestOf: "A", cells: [{ learningRate: 1e-4 }] },
      ],
    };
    expect((await thaw(["sweep", specFile(sweep), "--out", out])).code).toBe(0);
    const results = resultsIn(out);
    const rows = results.filter((result) => result.sweep?.group === "A");
    const best = [...rows].sort((a, b) => (b.final.validation?.accuracy ?? 0) - (a.final.validation?.accuracy ?? 0))[0];
    expect(results.find((result) => result.sweep?.group === "B")?.spec.freeze).toBe(best?.spec.freeze);
  });
});
