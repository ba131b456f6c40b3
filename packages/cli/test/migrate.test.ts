import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FORMATS } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { readParityReport, readResultFolder } from "../src/report/result-folders.ts";
import { temporaryFolder, thaw } from "./command-line.ts";

const FIXTURES = fileURLToPath(new URL("./formats/fixtures/", import.meta.url));

/** A folder with what several commits wrote, and with things of others. */
function oldFolder(): string {
  const folder = join(temporaryFolder(), "old");
  for (const commit of ["2026-11-24-33e69e9", "2026-11-24-055798b", "2026-11-26-e7453ff"]) {
    cpSync(join(FIXTURES, commit), join(folder, commit), { recursive: true });
  }
  writeFileSync(join(folder, "notes.json"), '{"mine": 1}');
  writeFileSync(join(folder, "small.lock"), "{}");
  return folder;
}

const names = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();

describe("thaw migrate", { timeout: 60_000 }, () => {
  it("copies a folder, old results and reports in today's version", async () => {
    const [folder, out] = [oldFolder(), join(temporaryFolder(), "new")];
    const { code, stdout, stderr } = await thaw(["migrate", folder, "--out", out]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(names(out)).toEqual(names(folder).filter((name) => !/\.(lock|checkpoint)$/.test(name)));
    expect(stdout).toContain("2026-11-24-33e69e9/results/diverged-node-54cb0f466e52.json: result, version 1 to 2\n");
    expect(stdout).toMatch(/\n\d+ migrated, \d+ copied as they are, 0 left out: .*new\n$/);
    for (const commit of readdirSync(out).filter((name) => existsSync(join(out, name, "results")))) {
      const [before, after] = [folder, out].map((place) => readResultFolder(join(place, commit, "results")));
      expect((await after)?.results).toEqual((await before)?.results);
    }
    const broken = join("2026-11-26-e7453ff", "parity-broken.json");
    const version = JSON.parse(readFileSync(join(out, broken), "utf8")).version;
    expect(version).toBe(FORMATS.parityReport.version);
    expect(await readParityReport(join(out, broken))).toEqual(await readParityReport(join(folder, broken)));
    for (const name of ["notes.json", "2026-11-24-33e69e9/specs/depth.json"]) {
      expect(readFileSync(join(out, name))).toEqual(readFileSync(join(folder, name)));
    }
    const again = await thaw(["migrate", out, "--out", `${out}-again`]);
    expect(again.stdout).toMatch(/^0 migrated, /);
  });

  it("leaves out what it cannot read, and says why", async () => {
    const [folder, out] = [join(temporaryFolder(), "old"), join(temporaryFolder(), "new")];
    mkdirSync(folder);
    const results = join(FIXTURES, "2026-11-26-e7453ff/results");
    const [name = ""] = readdirSync(results);
    const text = readFileSync(join(results, name), "utf8");
    writeFileSync(join(folder, "good.json"), text);
    writeFileSync(join(folder, "later.json"), text.replace('"version": 1', '"version": 9'));
    writeFileSync(join(folder, "damaged.json"), text.replace('"epochs": [', '"epochs": [7, '));
    const { code, stdout, stderr } = await thaw(["migrate", folder, "--out", out]);
    expect(code).toBe(2);
    expect(stdout).toContain("1 migrated, 0 copied as they are, 2 left out");
    expect(stderr).toMatch(/^later\.json: left out \(version-newer\): .*version 9, written by Thaw 0\.1\.0/m);
    expect(stderr).toMatch(/^damaged\.json: left out \(result-unreadable\): .*epochs\.0/m);
    expect(names(out)).toEqual(["good.json"]);
  });

  it("writes over nothing, and into nothing that it reads", async () => {
    const folder = oldFolder();
    const inside = await thaw(["migrate", folder, "--out", join(folder, "new")]);
    expect([inside.code, inside.stderr]).toEqual([2, expect.stringContaining("error (option-invalid): --out")]);
    const out = temporaryFolder();
    writeFileSync(join(out, "notes.json"), "mine");
    const taken = await thaw(["migrate", folder, "--out", out]);
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringContaining("error (result-exists): ")]);
    expect(names(out)).toEqual(["notes.json"]);
    const absent = await thaw(["migrate", join(folder, "absent"), "--out", out]);
    expect([absent.code, absent.stderr]).toEqual([2, expect.stringContaining("error (migrate-unreadable): ")]);
  });
});
