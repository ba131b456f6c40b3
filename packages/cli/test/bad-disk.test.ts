import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "@thaw/core";
import { cacheFolder } from "@thaw/runner-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

/** A disk of its own, which only Linux gives to a program, and only to root. */
function mounts(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const folder = temporaryFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "none", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return true;
  } catch {
    return false;
  }
}

const TIMEOUT_MS = 120_000;
const SPEC = { ...SMALL_SPEC, freeze: 150 };
let disk: string;

/** Mounts a disk of so many KB. */
function mount(kilobytes: number): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "none", disk]);
}

/** Takes what is free, but for some KB. */
function fill(exceptKilobytes = 0): void {
  const free = Number(/(\d+)\s+\d+%/.exec(execFileSync("df", ["-k", disk]).toString())?.[1] ?? 0);
  writeFileSync(join(disk, "fill"), Buffer.alloc((free - exceptKilobytes) * 1024));
}

/** A cache that has what set-up put into this machine's, on the disk. */
function linkCache(...others: string[]): NodeJS.ProcessEnv {
  const real = cacheFolder(process.env);
  const own = new Set(["blobs", "datasets", "features"]);
  for (const name of readdirSync(real)) {
    if (!own.has(name) || others.includes(name)) symlinkSync(join(real, name), join(disk, name));
  }
  return { THAW_CACHE: disk };
}

function run(out: string, ...more: string[]): ReturnType<typeof thaw> {
  return thaw(["run", specFile(SPEC), "--runner", "node", "--out", out, "--checkpoint-every", "0", ...more]);
}

const resultIn = (out: string): Result => {
  const [name] = readdirSync(out).filter((file) => file.endsWith(".json"));
  return JSON.parse(readFileSync(join(out, name ?? ""), "utf8")) as Result;
};

describe.skipIf(!mounts())("a disk (needs Linux and root, to mount one)", { timeout: TIMEOUT_MS }, () => {
  beforeEach(() => {
    disk = temporaryFolder();
  });
  afterEach(() => {
    execFileSync("umount", ["--lazy", disk]);
  });

  it("that is full is named before anything trains", async () => {
    mount(64);
    fill();
    const { code, stderr } = await run(join(disk, "out"));
    expect(code).toBe(4);
    expect(stderr).toMatch(/error \(result-unwritable\): .*\.lock cannot be written: ENOSPC/);
    expect(stderr).toContain("free space, or choose another with --out");
    expect(readdirSync(join(disk, "out"))).toEqual([]);
  });

  it("that gets full costs log and checkpoints, then the result, and the same command mends it", async () => {
    mount(64);
    fill(12);
    const out = join(disk, "out");
    const { code, stderr } = await run(out);
    expect(code).toBe(4);
    expect(stderr.match(/warning: No checkpoint after step 1: ENOSPC/g)).toHaveLength(1);
    expect(stderr).toMatch(/error \(result-unwritable\): .*\.json cannot be written: ENOSPC/);
    expect(readdirSync(out).filter((file) => !file.endsWith(".events.jsonl"))).toEqual([]);
    rmSync(join(disk, "fill"));
    execFileSync("mount", ["-o", "remount,size=4m", disk]);
    expect((await run(out)).code).toBe(0);
    const elsewhere = join(temporaryFolder(), "out");
    await run(elsewhere);
    expect(resultIn(out).digests).toEqual(resultIn(elsewhere).digests);
  });

  it("with room for the result alone loses the weights that were asked for, and delivers them later", async () => {
    mount(4096);
    const models = temporaryFolder();
    const out = join(models, "out");
    fill();
    const model = join(disk, "model.safetensors");
    const first = await run(out, "--save-model", model);
    expect(first.code).toBe(4);
    expect(first.stderr).toMatch(/error \(result-unwritable\): .*model\.safetensors cannot be written: ENOSPC/);
    expect(first.stderr).toContain("the same command writes it without training again");
    rmSync(join(disk, "fill"));
    const second = await run(out, "--save-model", model);
    expect(second.code).toBe(0);
    expect(second.stdout).toContain("Result from an earlier run");
    expect(readdirSync(disk)).toEqual(["model.safetensors"]);
    expect(readdirSync(out).filter((file) => file.endsWith(".part"))).toEqual([]);
  });

  it("that is read-only is named, as results folder and as cache", async () => {
    mount(1024);
    const env = linkCache();
    execFileSync("mount", ["-o", "remount,ro", disk]);
    const results = await run(join(disk, "out"));
    expect(results.code).toBe(4);
    expect(results.stderr).toMatch(/error \(result-unwritable\): .*\.lock cannot be written: EROFS/);
    const cache = await thaw(["run", specFile(SPEC), "--out", join(temporaryFolder(), "out")], env);
    expect(cache.code).toBe(4);
    expect(cache.stderr).toMatch(/error \(cache-unusable\): .* cannot be written: .*\n.*set THAW_CACHE to a folder/);
  });

  it("that is full is named as cache, of images and of kept outputs, and leaves nothing there", async () => {
    mount(64);
    const env = linkCache();
    fill();
    const images = await thaw(["run", specFile(SPEC), "--out", join(temporaryFolder(), "out")], env);
    expect(images.code).toBe(4);
    expect(images.stderr).toMatch(/error \(cache-unusable\): .* cannot be written: ENOSPC/);
    expect(readdirSync(disk).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("that gets full with kept outputs stops the run, which goes on without them", async () => {
    mount(16);
    const env = linkCache("blobs", "datasets");
    mkdirSync(join(disk, "features"));
    const out = join(temporaryFolder(), "out");
    const args = [
      "run",
      specFile({ ...SPEC, freeze: 154 }),
      "--cache-bytes",
      "0",
      "--out",
      out,
      "--checkpoint-every",
      "0",
    ];
    fill(8);
    const full = await thaw(args, env);
    expect(full.code).toBe(4);
    expect(full.stderr).toMatch(/error \(cache-unusable\): The feature cache cannot write to .*\.features/);
    expect(full.stderr).toContain("--cache-disk 0 to keep nothing on disk");
    const without = await thaw([...args, "--cache-disk", "0"], env);
    expect(without.code).toBe(0);
    expect(resultIn(out).digests.final).not.toBe(resultIn(out).digests.initial);
  });
});
