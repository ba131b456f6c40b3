import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder, thaw } from "./command-line.ts";

interface Report {
  readonly suite: string;
  readonly runners: readonly {
    readonly runner: string;
    readonly cases: number;
    readonly ops: readonly { readonly op: string; readonly cases: number; readonly wrong: number }[];
    readonly findings: readonly { readonly op: string; readonly problems: readonly string[] }[];
  }[];
}

const MINUTES = 4 * 60_000;

describe("thaw ops", () => {
  it("judges a runner's kernels and says how near to their bounds they come", { timeout: MINUTES }, async () => {
    const { code, stdout, stderr } = await thaw(["ops", "--runner", "node", "--suite", "kernels"]);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^node: \d+ cases, 0 wrong, \d+ s$/m)]);
    expect(stdout).toMatch(/│ depthwiseConv2dInputGradient +│ +\d+ │ +0\.\d+ │ +│ +│/);
    expect(stdout).toMatch(/\d+ cases of \d+ operations, 0 wrong in 0 operations/);
  });

  it("sweeps tfjs's stock operations and leaves an issue text for each that is wrong", {
    timeout: MINUTES,
  }, async () => {
    const folder = join(temporaryFolder(), "ops");
    const { code } = await thaw(["ops", "--runner", "node", "--suite", "tfjs", "--out", folder, "--strict", "--json"]);
    expect(code).toBe(1); // tfjs-core's own gradients are wrong on every backend
    const report = JSON.parse(readFileSync(join(folder, "ops-tfjs.json"), "utf8")) as Report;
    const [run] = report.runners;
    expect([report.suite, run?.runner]).toEqual(["tfjs", "node"]);
    expect(run?.cases).toBeGreaterThan(1000);
    expect(run?.ops.find(({ op }) => op === "tf.matMul")?.wrong).toBeGreaterThan(0);
    expect(run?.ops.find(({ op }) => op === "tf.conv2dTranspose")?.wrong).toBe(0);
    const files = readdirSync(folder).filter((file) => file.endsWith(".md"));
    expect(files).toContain("tensorflow-mirrorPad-reflect.md");
    const issue = readFileSync(join(folder, "tensorflow-mirrorPad-reflect.md"), "utf8");
    expect(issue).toContain("# [tensorflow] tf.mirrorPad (reflect): the gradient by input 1 is wrong");
    expect(issue).toMatch(
      /const result = tf\.grad\(\(x0\) => tf\.mirrorPad\(x0, \[\[0, 1\]\], "reflect"\)\)\(x0, dy\);/,
    );
  });

  it("refuses a suite that there is not, and a runner that has it not", { timeout: MINUTES }, async () => {
    const unknown = await thaw(["ops", "--runner", "node", "--suite", "nothing"]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("error (suite-unknown)")]);
    const without = await thaw(["ops", "--runner", "reference", "--suite", "tfjs"]);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain('Runner "reference" has no suite "tfjs".');
  });
});
