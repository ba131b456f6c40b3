import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ParityReport } from "@thaw/core/parity";
import { describe, expect, it } from "vitest";
import { type CommandRun, SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

const spec = specFile({ ...SMALL_SPEC, freeze: 154 });
const besides = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
/** The judge without Python: these tests are about the command. */
const REFERENCE = ["--judge", "reference", "--no-ops"];

function parity(out: string, ...options: string[]): Promise<CommandRun> {
  return thaw(["parity", spec, "--runners", "node", "--out", out, ...options]);
}

function reportIn(out: string, name = "parity.json"): ParityReport {
  return JSON.parse(readFileSync(join(out, name), "utf8")) as ParityReport;
}

describe("thaw parity", () => {
  it("climbs the ladder against Keras in float64, writes its report, and goes on from what it has judged", async () => {
    const folder = temporaryFolder();
    const out = join(folder, "out");
    const baseline = join(folder, "baseline.json");
    const files = ["--junit", join(folder, "junit.xml"), "--summary", join(folder, "summary.md")];
    const first = await parity(out, ...files, "--baseline", baseline, "--update-baseline");
    expect(first.stderr).toContain("depth 154: keras, the reference");
    expect(first.code).toBe(0);
    expect(first.stdout).toContain("Parity holds");
    const report = reportIn(out);
    expect(report.reference).toMatchObject({ runner: "keras", dtype: "float64" });
    expect(report.results.map(({ rung, status }) => [rung, status])).toEqual(
      ["L1", "L0", "L2", "L3", "L4"].map((rung) => [rung, "pass"]),
    );
    expect(report.results[0]?.checks).toBeGreaterThan(400);
    const curve = report.results.find(({ rung }) => rung === "L2")?.curve ?? [];
    expect(curve.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Conv1_relu", "block_16_project_BN", "head"]),
    );
    expect(readFileSync(join(folder, "junit.xml"), "utf8")).toContain("<testsuite");
    expect(readFileSync(join(folder, "summary.md"), "utf8")).toContain("L4");
    expect(existsSync(join(out, "traces"))).toBe(false);

    const second = await parity(out, "--baseline", baseline);
    expect(second.code).toBe(0);
    expect(second.stderr).not.toContain("the reference");
    expect(reportIn(out, "parity.2.json").drift).toEqual([]);
    expect(readdirSync(out).filter((name) => name.endsWith(".part"))).toEqual([]);
  }, 300_000);

  it("exits with 1 and names the rung, step and tensor where a runner leaves the reference", async () => {
    const out = join(temporaryFolder(), "out");
    const run = await parity(out, ...REFERENCE, "--runners", `node,${besides("wrong-labels-runner.ts")}`);
    expect(run.code).toBe(1);
    const { divergences, passed } = reportIn(out);
    expect(passed).toBe(false);
    expect(divergences.map(({ runner, rung }) => [runner, rung])).toEqual([["wrong-labels", "L0"]]);
    expect(run.stdout).toContain(
      "wrong-labels leaves reference (float64) at L0 (identity), depth 154, step 1, labels: SHA-256 of the batch's labels",
    );
  }, 300_000);

  it("exits with 3 where a required runner is missing, and with 0 where it is not required", async () => {
    const runners = `node,${besides("absent-runner.ts")}`;
    const out = join(temporaryFolder(), "out");
    const without = await parity(out, ...REFERENCE, "--runners", runners, "--require", "node");
    expect(without.code).toBe(0);
    expect(reportIn(out).runners[1]?.missing).toMatchObject({ reason: expect.stringContaining("no such device") });
    const required = await parity(out, ...REFERENCE, "--runners", runners);
    expect(required.code).toBe(3);
    expect(required.stdout).toContain("There is no such device");
  }, 300_000);

  it("trains over seeds to the end and compares accuracies (L5)", async () => {
    const out = join(temporaryFolder(), "out");
    await parity(out, ...REFERENCE, "--seeds", "0,1,2");
    const { equivalence, results } = reportIn(out);
    expect(equivalence.map(({ runner, reference, seeds }) => [runner, reference, seeds])).toEqual([
      ["node", "reference", [0, 1, 2]],
    ]);
    expect(equivalence[0]?.agreement.images).toBe(3 * 12); // 6 held out for validation and 6 for the test, each seed
    expect(results.at(-1)?.rung).toBe("L5");
    expect(readdirSync(join(out, "cells")).length).toBe(6);
  }, 300_000);

  it.each([
    [["--steps", "0"], "option-invalid", "--steps"],
    [["--steps", "4,x"], "option-invalid", "x"],
    [["--update-baseline"], "option-invalid", "--baseline"],
    [["--baseline", "nowhere.json"], "baseline-invalid", "nowhere.json"],
    [["--judge", "node"], "setting-invalid", "dtype"],
    [["--depths", "999"], "freeze-invalid", "999"],
    [["--batch", "0"], "option-invalid", "--batch"],
    [["--seeds", "1.5"], "option-invalid", "1.5"],
  ] as const)("refuses %j", async (options, code, what) => {
    const run = await parity(join(temporaryFolder(), "out"), ...options);
    expect(run.stderr).toContain(`error (${code})`);
    expect(run.stderr).toContain(what);
    expect(run.code).toBe(2);
  });
});
