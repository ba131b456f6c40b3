import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sweepTemporaryFolders } from "../../../scripts/native/temporary-folder.mjs";
import { fetchWheel } from "../../../scripts/native/wheel.mjs";
import { type Machine, thisMachine } from "../../../scripts/setup/machine.mjs";
import { failure } from "./setup-failure.ts";

const FILE = "thawprobe-1.0-py3-none-any.whl";
const PYTHON = "3.11";
let folder: string;
let index: string;
let machine: Machine;
let said: string[];
let pin: { package: string; version: string; file: string; sha256: string };

/** A real wheel in a folder that pip takes for its index: the real pip, without a network. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "thaw-wheel-"));
  index = join(folder, "index");
  mkdirSync(index);
  said = [];
  const env: NodeJS.ProcessEnv = { ...process.env, PIP_NO_INDEX: "1", PIP_FIND_LINKS: index, THAW_ASSETS: "" };
  machine = thisMachine({ env, cacheFolder: join(folder, "cache"), terminal: false, say: (line) => said.push(line) });
  const script = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("thawprobe.py", "")
    wheel.writestr("thawprobe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("thawprobe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: thawprobe\\nVersion: 1.0\\n")
    wheel.writestr("thawprobe-1.0.dist-info/RECORD", "")`;
  await machine.run("python3", ["-c", script, join(index, FILE)]);
  pin = { package: "thawprobe", version: "1.0", file: FILE, sha256: sha256(join(index, FILE)) };
});

afterEach(() => rmSync(folder, { recursive: true }));

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

describe("fetchWheel", () => {
  it("downloads through pip, checks the hash, and fetches once", async () => {
    const first = await fetchWheel(machine, pin, PYTHON);
    expect(first).toEqual({ path: join(folder, "cache", "downloads", FILE), ours: true });
    expect(sha256(first.path)).toBe(pin.sha256);
    expect(readdirSync(join(folder, "cache", "downloads"))).toEqual([FILE]);
    rmSync(join(index, FILE));
    expect(await fetchWheel(machine, pin, PYTHON)).toEqual(first);
    expect(said.filter((line) => line.includes("fetching"))).toHaveLength(1);
  });

  it("keeps nothing of a download that has another hash", async () => {
    const wanted = "0".repeat(64);
    const error = await failure(fetchWheel(machine, { ...pin, sha256: wanted }, PYTHON));
    expect(error.code).toBe("hash-mismatch");
    expect(error.message).toContain(`${FILE} has sha256 ${pin.sha256}, and ${wanted} is pinned.`);
    expect(error.hint).toContain("python3 -m pip config list");
    expect(readdirSync(join(folder, "cache", "downloads"))).toEqual([]);
  });

  it("drops a kept file that was cut off, and fetches it again", async () => {
    const { path } = await fetchWheel(machine, pin, PYTHON);
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    await fetchWheel(machine, pin, PYTHON);
    expect(sha256(path)).toBe(pin.sha256);
    expect(said.join("\n")).toContain("has not the pinned hash: dropped");
  });

  it("takes a file from a folder of THAW_ASSETS, and leaves it there", async () => {
    machine.env.THAW_ASSETS = `/nowhere:${index}`;
    machine.env.PIP_FIND_LINKS = "/nowhere";
    expect(await fetchWheel(machine, pin, PYTHON)).toEqual({ path: join(index, FILE), ours: false });
    const error = await failure(fetchWheel(machine, { ...pin, sha256: "1".repeat(64) }, PYTHON));
    expect([error.code, existsSync(join(index, FILE))]).toEqual(["hash-mismatch", true]);
  });

  it("says which file to put where when pip cannot get it", async () => {
    rmSync(join(index, FILE));
    const error = await failure(fetchWheel(machine, pin, PYTHON));
    expect(error.code).toBe("download-failed");
    expect(error.message).toContain("pip could not fetch thawprobe==1.0");
    expect(error.hint).toContain(`put the file at ${join(folder, "cache", "downloads", FILE)}`);
    expect(error.hint).toContain("THAW_ASSETS");
    expect(readdirSync(join(folder, "cache", "downloads"))).toEqual([]);
  });

  it("leaves nothing to be trusted when it is killed while pip writes", async () => {
    const slow = join(folder, "slow-python");
    // Writes a part of the wheel under its final name where pip was told to put it, and never ends.
    writeFileSync(
      slow,
      `#!/bin/sh\nfor last; do [ "$before" = -d ] && printf part > "$last/${FILE}"; before="$last"; done\nexec sleep 60\n`,
    );
    chmodSync(slow, 0o755);
    const module = new URL("../../../scripts/", import.meta.url);
    const script = `import { fetchWheel } from ${JSON.stringify(new URL("native/wheel.mjs", module).href)};
      import { thisMachine } from ${JSON.stringify(new URL("setup/machine.mjs", module).href)};
      const machine = thisMachine();
      const run = (command, args, options) => machine.run(command, args, { ...options, onChild: console.log });
      await fetchWheel({ ...machine, run }, ${JSON.stringify(pin)}, "${PYTHON}");`;
    const env = { ...machine.env, THAW_CACHE: machine.cacheFolder, THAW_PYTHON: slow };
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    while (!/^\d+$/m.test(output)) output += ((await once(child.stdout, "data")) as [Buffer])[0].toString();
    const downloads = join(machine.cacheFolder, "downloads");
    const partial = (): boolean => readdirSync(downloads).some((name) => existsSync(join(downloads, name, FILE)));
    await vi.waitFor(() => expect(partial()).toBe(true), { timeout: 5000 });
    child.kill("SIGKILL");
    await once(child, "close");
    process.kill(Number.parseInt(/^\d+$/m.exec(output)?.[0] ?? "", 10), "SIGKILL");
    expect(existsSync(join(downloads, FILE))).toBe(false);
    expect(readdirSync(downloads)).toHaveLength(1);

    const { path } = await fetchWheel(machine, pin, PYTHON);
    expect(sha256(path)).toBe(pin.sha256);
    sweepTemporaryFolders(downloads);
    expect(readdirSync(downloads)).toEqual([FILE]);
  });
});
