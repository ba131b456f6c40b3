import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import { ending, SMALL_SPEC, specFile, start, temporaryFolder, thaw } from "./command-line.ts";

const SOURCE = fileURLToPath(new URL("./slow-disk.c", import.meta.url));
const SLOW_MS = 150;

function resultIn(out: string): Result {
  const [name = ""] = readdirSync(out).filter((file) => file.endsWith(".json"));
  return JSON.parse(readFileSync(join(out, name), "utf8")) as Result;
}

describe.skipIf(process.platform !== "linux")("a slow disk (needs Linux's LD_PRELOAD)", { timeout: 240_000 }, () => {
  let library: string;

  beforeAll(() => {
    library = join(temporaryFolder(), "slow-disk.so");
    execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"]);
  });

  const slow = (folder: string): NodeJS.ProcessEnv => ({
    LD_PRELOAD: library,
    SLOW_FOLDER: folder,
    SLOW_MS: String(SLOW_MS),
  });
  const command = (out: string, epochs: number = SMALL_SPEC.epochs): string[] => [
    ...["run", specFile({ ...SMALL_SPEC, epochs }), "--runner", "node", "--out", out, "--checkpoint-every", "0"],
  ];

  it("costs time and nothing else", async () => {
    const [out, fast] = [join(temporaryFolder(), "out"), join(temporaryFolder(), "out")];
    expect((await thaw(command(fast))).code).toBe(0);
    const startedMs = performance.now();
    const { code, stderr } = await thaw(command(out), slow(out));
    const tookMs = performance.now() - startedMs;
    expect(stderr).not.toMatch(/warning|error/);
    expect(code).toBe(0);
    const [result, expected] = [resultIn(out), resultIn(fast)];
    expect(tookMs).toBeGreaterThan((result.steps?.length ?? 0) * SLOW_MS); // the delay was there
    expect(result.digests).toEqual(expected.digests);
    expect(result.steps).toEqual(expected.steps);
    expect(readdirSync(out).sort()).toEqual([`${result.cell}.events.jsonl`, `${result.cell}.json`]);
  });

  it("lets nobody take a lock from who is still writing", async () => {
    const out = join(temporaryFolder(), "out");
    const first = start(command(out, 20), slow(out));
    const ended = ending(first);
    await expect.poll(() => readdirSync(join(out, "..")).includes("out"), { timeout: 60_000 }).toBe(true);
    const second = await thaw(command(out, 20), slow(out));
    const { code } = await ended;
    expect([code, second.code].sort()).toEqual([0, 4]);
    expect(second.stderr).toContain("error (cell-locked)");
    expect(readdirSync(out).filter((name) => name.endsWith(".json"))).toHaveLength(1);
  });
});
