import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Machine, thisMachine } from "../../../scripts/setup/machine.mjs";
import { providePackages } from "../../../scripts/setup/python-packages.mjs";

const FILE = "thawprobe-1.0-py3-none-any.whl";
const WHEEL = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("thawprobe.py", "")
    wheel.writestr("thawprobe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("thawprobe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: thawprobe\\nVersion: 1.0\\n")
    wheel.writestr("thawprobe-1.0.dist-info/RECORD", "")`;
let folder: string;
let cache: string;
let machine: Machine;

/** The real pip and a real wheel, in a folder that pip takes for its index. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "thaw-hashes-"));
  cache = join(folder, "cache");
  const index = join(folder, "index");
  for (const made of [cache, index]) mkdirSync(made);
  const env: NodeJS.ProcessEnv = { ...process.env, PIP_NO_INDEX: "1", PIP_FIND_LINKS: index };
  machine = thisMachine({ env, root: folder, cacheFolder: cache, terminal: false, say: () => undefined });
  await machine.run("python3", ["-c", WHEEL, join(index, FILE)]);
  writeFileSync(join(folder, "requirements.txt"), "thawprobe==1.0\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

const provide = (): Promise<string> =>
  providePackages(machine, {
    name: "probe",
    title: "the probe",
    variable: "THAW_PROBE_PYTHON",
    pythons: ["3.10", "3.11", "3.12", "3.13"],
    requirements: join(folder, "requirements.txt"),
    probe: "import thawprobe; print('thaw: probe 1.0')",
    env: {},
    missing: "probe-missing",
  });
const lock = (text: string): void => writeFileSync(join(folder, "requirements.lock.txt"), text);

describe("packages that the set-up gives to pip", { timeout: 120_000 }, () => {
  it("are installed where their files have the hashes", async () => {
    const sha256 = createHash("sha256")
      .update(readFileSync(join(folder, "index", FILE)))
      .digest("hex");
    lock(`thawprobe==1.0 --hash=sha256:${sha256}\n`);
    expect(await provide()).toContain("probe 1.0");
  });

  it.each([
    ["another hash", `thawprobe==1.0 --hash=sha256:${"0".repeat(64)}\n`, "DO NOT MATCH THE HASHES"],
    ["no hash", "thawprobe==1.0\n", "require-hashes"],
  ])("are refused with %s, and leave nothing", async (_what, text, told) => {
    lock(text);
    await expect(provide()).rejects.toMatchObject({
      code: "download-failed",
      hint: expect.stringMatching(new RegExp(told, "i")),
    });
    expect(readdirSync(cache)).toEqual([]);
  });
});
