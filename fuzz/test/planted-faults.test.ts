import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Campaign } from "../src/campaign/campaign.ts";
import { campaignTable, findingText } from "../src/campaign/report.ts";

const outDir = mkdtempSync(join(tmpdir(), "thaw-fuzz-planted-"));
const targets = new URL("./planted-targets.ts", import.meta.url).href;
const campaign = new Campaign({ seed: 5, outDir, caseLimitMs: 4000, targets });
afterAll(async () => {
  await campaign.close();
  rmSync(outDir, { recursive: true, force: true });
});

/** Kinds of finding by what was planted. */
const PLANTED: Readonly<Record<string, string>> = {
  hang: "hang",
  silence: "hang",
  crash: "crash",
  allocation: "allocation",
  "no-code": "no-code",
  internal: "foreign-code",
  "no-hint": "no-hint",
  "long-message": "long-message",
  "wrong-result": "wrong-result",
  pollution: "pollution",
  prototype: "pollution",
  global: "pollution",
};

describe("a planted fault", () => {
  it.each(Object.entries(PLANTED))(
    "%s is found as a %s, again by its seed and place, and its input is kept",
    async (name, kind) => {
      const { findings } = await campaign.run(name, 8);
      const [finding] = findings;
      expect(finding).toMatchObject({ target: name, kind, seed: 5 });
      const [place = ""] = finding?.path.split(":") ?? [];
      expect(findingText(finding as never)).toContain(`--target ${name} --seed 5 --case ${place}`);
      const input = Number(readFileSync(join(finding?.folder ?? "", "number.txt"), "utf8"));
      expect(input).toBeGreaterThan(900);
      if (kind !== "hang" && kind !== "crash") expect(input).toBe(901); // the smallest

      const again = new Campaign({ seed: 5, outDir, caseLimitMs: 4000, targets, first: Number(place) });
      const tally = await again.run(name, 1);
      await again.close();
      expect(tally.findings.map((found) => found.kind)).toEqual([kind]);
    },
  );

  it("is not found where there is none", async () => {
    const tally = await campaign.run("none", 40);
    expect(tally.findings).toEqual([]);
    expect(tally.accepted + (tally.refused["too-small"] ?? 0)).toBe(40);
    expect(tally.accepted).toBeGreaterThan(0);
    expect(campaignTable([tally])).toMatch(/\| none \| 40 \| \d+ \| too-small \d+ \| \d+ \| \d+ \| 0 \|/);
    expect(existsSync(join(outDir, "none"))).toBe(false);
  });
});
