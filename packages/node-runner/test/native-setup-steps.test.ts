import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installDependencies } from "../../../scripts/setup/dependencies.mjs";
import { type Machine, thisMachine } from "../../../scripts/setup/machine.mjs";
import { buildPackages } from "../../../scripts/setup/packages-build.mjs";
import { describeError, SetupError } from "../../../scripts/setup/setup-error.mjs";
import { stepPrinter } from "../../../scripts/setup/steps.mjs";
import { removeReports, reportFiles, sumReports } from "../../../scripts/setup/test-reports.mjs";
import { failure } from "./setup-failure.ts";

let root: string;
let machine: Machine;

/** A checkout of one package, and an `npx` that only writes down how it was called. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "thaw-steps-"));
  write("package.json", { packageManager: "pnpm@10.34.8+sha512.abc" });
  write("pnpm-lock.yaml", "lockfileVersion: '9.0'");
  write("turbo.json", {});
  write("packages/a/package.json", {
    name: "a",
    dependencies: { zod: "4" },
    scripts: { build: "tsc", test: "vitest" },
  });
  write("packages/a/src/index.ts", "export {};");
  npx("mkdir -p node_modules packages/a/node_modules packages/a/dist");
  const env = { PATH: `${join(root, "bin")}:${process.env.PATH}` };
  machine = thisMachine({ root, env, terminal: false, nodeVersion: "20.19.0", say: () => {} });
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: unknown): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
}

function npx(script: string): void {
  write("bin/npx", `#!/bin/sh\necho "$@" >> "${join(root, "calls")}"\n${script}\n`);
  chmodSync(join(root, "bin", "npx"), 0o755);
}

function calls(): string[] {
  const file = join(root, "calls");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

describe("installDependencies", () => {
  it("installs from the lockfile with the declared pnpm, once", async () => {
    expect(await installDependencies(machine)).toBe("1 packages of the workspace");
    expect(await installDependencies(machine)).toBe("unchanged");
    expect(calls()).toEqual(["-y pnpm@10.34.8 install --frozen-lockfile --config.confirmModulesPurge=false"]);
  });

  it.each([
    ["the lockfile", () => write("pnpm-lock.yaml", "lockfileVersion: '9.1'")],
    ["a package.json", () => write("packages/a/package.json", { name: "a", dependencies: { zod: "5" } })],
    ["Node's major version", () => Object.assign(machine, { nodeVersion: "22.1.0" })],
    ["a package's node_modules", () => rmSync(join(root, "packages/a/node_modules"), { recursive: true })],
  ])("installs again after a change of %s", async (_what, change) => {
    await installDependencies(machine);
    change();
    await installDependencies(machine);
    expect(calls()).toHaveLength(2);
  });

  it("trusts no install that failed or was killed half-way", async () => {
    await installDependencies(machine);
    write("pnpm-lock.yaml", "changed");
    npx("kill -9 $$");
    expect((await failure(installDependencies(machine))).code).toBe("dependencies-failed");
    write("pnpm-lock.yaml", "lockfileVersion: '9.0'");
    npx("exit 0");
    expect(await installDependencies(machine)).not.toBe("unchanged");
  });

  it("says what to do about an outdated lockfile", async () => {
    npx('echo "ERR_PNPM_OUTDATED_LOCKFILE Cannot install with frozen-lockfile"; exit 1');
    const { message, hint } = await failure(installDependencies(machine));
    expect(message).toBe("pnpm@10.34.8 could not install the JavaScript dependencies.");
    expect(hint).toContain("Run: npx -y pnpm@10.34.8 install");
  });
});

describe("buildPackages", () => {
  it("builds once, and again after a change of a source or a missing output", async () => {
    expect(await buildPackages(machine).catch((error) => error.code)).toBe("1 packages");
    expect(await buildPackages(machine)).toBe("unchanged");
    write("packages/a/src/index.ts", "export const a = 1;");
    expect(await buildPackages(machine)).toBe("1 packages");
    rmSync(join(root, "packages/a/dist"), { recursive: true });
    expect(await buildPackages(machine)).toBe("1 packages");
    expect(calls()).toEqual(Array(3).fill("-y pnpm@10.34.8 exec turbo run build --output-logs=errors-only"));
  });

  it("shows the errors of a build that failed, and tries again next time", async () => {
    npx('echo "src/index.ts(1,1): error TS1005"; exit 2');
    const { code, hint } = await failure(buildPackages(machine));
    expect([code, hint]).toEqual(["build-failed", "src/index.ts(1,1): error TS1005"]);
    expect((await failure(buildPackages(machine))).code).toBe("build-failed");
  });
});

describe("test reports", () => {
  const report = (...statuses: string[]): unknown => ({
    testResults: [
      {
        name: join(root, "packages/a/test/a.test.ts"),
        status: statuses.includes("failed") ? "failed" : "passed",
        message: "",
        assertionResults: statuses.map((status, i) => ({ status, fullName: `test ${i}` })),
      },
    ],
  });

  it("are summed, with the names of what failed and what was skipped", () => {
    write("packages/a/.vitest/results.json", report("passed", "failed", "skipped", "pending", "todo", "passed"));
    const where = "packages/a/test/a.test.ts";
    expect(sumReports(root, reportFiles(root))).toEqual({
      passed: 2,
      failed: [`${where}: test 1`],
      skipped: [`${where}: test 2`, `${where}: test 3`, `${where}: test 4`],
    });
  });

  it("count a file that could not be loaded and a report that is missing as failures", () => {
    write("packages/a/.vitest/results.json", {
      testResults: [
        { name: join(root, "x.test.ts"), status: "failed", message: "SyntaxError\n at", assertionResults: [] },
      ],
    });
    expect(sumReports(root, reportFiles(root)).failed).toEqual(["x.test.ts: SyntaxError"]);
    removeReports(reportFiles(root));
    expect(sumReports(root, reportFiles(root))).toMatchObject({
      passed: 0,
      failed: ["packages/a/.vitest/results.json: the run left no report"],
    });
  });
});

describe("what a person sees", () => {
  it("is a line for each step, with its time", async () => {
    const lines: string[] = [];
    let now = 0;
    const { step, done } = stepPrinter(
      (line) => lines.push(line),
      () => now,
    );
    await step("first", async () => {
      now += 1500;
      return "unchanged";
    });
    await expect(
      step("second", async () => {
        now += 100;
        throw new SetupError("some-code", "It failed.", "Do this.\nOr that.");
      }),
    ).rejects.toThrow("It failed.");
    done();
    expect(lines).toEqual(["  ok       1.5 s  first: unchanged", "  FAIL     0.1 s  second", "  ready    1.6 s"]);
  });

  it("is one sentence and a hint, and the stack only of a bug", () => {
    const error = new SetupError("some-code", "It failed.", "Do this.\nOr that.");
    expect(describeError(error)).toBe("error: It failed. [some-code]\n  Do this.\n  Or that.");
    expect(describeError(new TypeError("x"))).toMatch(/^error: TypeError: x\n\s+at /);
  });
});
