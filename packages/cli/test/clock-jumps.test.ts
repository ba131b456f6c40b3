import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Result } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

const TIMEOUT_MS = 120_000;

/** A module that lets the system's clock, as a program sees it, jump by up to ten years at every look. */
function jumpingClock(): string {
  const file = join(temporaryFolder(), "clock.mjs");
  writeFileSync(
    file,
    `const real = Date.now;
    const TEN_YEARS = 10 * 365 * 86_400_000;
    Date.now = () => real() + Math.round((Math.random() * 2 - 1) * TEN_YEARS);
    globalThis.Date = class extends Date { constructor(...given) { super(...(given.length === 0 ? [Date.now()] : given)); } };
    globalThis.Date.now = Date.now;`,
  );
  return pathToFileURL(file).href;
}

function resultIn(out: string): Result {
  const [name] = readdirSync(out).filter((file) => file.endsWith(".json"));
  return JSON.parse(readFileSync(join(out, name ?? ""), "utf8")) as Result;
}

describe("a clock that jumps", { timeout: TIMEOUT_MS }, () => {
  it("changes no number and no duration, and leaves nothing behind", async () => {
    const spec = specFile({ ...SMALL_SPEC, freeze: 154, epochs: 4 });
    const jumps = { NODE_OPTIONS: `--import=${jumpingClock()}` };
    const run = (out: string, env: NodeJS.ProcessEnv): ReturnType<typeof thaw> =>
      thaw(["run", spec, "--out", out, "--checkpoint-every", "0", "--cache-bytes", "0"], env);
    const [still, jumping] = [join(temporaryFolder(), "out"), join(temporaryFolder(), "out")];
    expect((await run(still, {})).code).toBe(0);
    expect((await run(jumping, jumps)).code).toBe(0);
    const [expected, found] = [resultIn(still), resultIn(jumping)];
    expect(Math.abs(Date.parse(found.finishedAt) - Date.now())).toBeGreaterThan(86_400_000); // it did jump
    expect(found.steps).toEqual(expected.steps);
    expect(found.digests).toEqual(expected.digests);
    for (const ms of found.timing.stepMs) expect(ms).toBeGreaterThan(0);
    expect(found.timing.totalMs).toBeLessThan(3_600_000);
    expect(readdirSync(jumping).map((name) => name.replace(/^[^.]+/, ""))).toEqual([".events.jsonl", ".json"]);
  });
});
