import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CASE_LIMIT_MS, Campaign, casesOf, type TargetTally } from "../src/campaign/campaign.ts";
import { campaignTable, findingText } from "../src/campaign/report.ts";
import { loadTargets } from "../src/targets/targets.ts";

// `npm run fuzz` runs more of them with another seed.
const CASES = Number(process.env.THAW_FUZZ_CASES ?? 2000);
const SEED = Number(process.env.THAW_FUZZ_SEED ?? 20261126);

const targets = await loadTargets();
const counts = casesOf(targets, CASES);
const tallies: TargetTally[] = [];
const outDir = mkdtempSync(join(tmpdir(), "thaw-fuzz-findings-"));
const campaign = new Campaign({ seed: SEED, outDir, caseLimitMs: CASE_LIMIT_MS });
afterAll(async () => {
  await campaign.close();
  process.stdout.write(`seed ${SEED}\n${campaignTable(tallies)}\n`);
});

describe("damaged and hostile input", () => {
  for (const { name } of targets) {
    const count = counts.get(name) ?? 1;
    it(`${count} cases of ${name} are refused with a code, or read as they are`, async () => {
      const tally = await campaign.run(name, count);
      tallies.push(tally);
      expect(tally.findings.map(findingText)).toEqual([]);
      const refused = Object.values(tally.refused).reduce((sum, each) => sum + each, 0);
      expect(tally.accepted + refused).toBe(count);
    });
  }

  it("is taken as often as it is refused, so that both are tried", () => {
    const accepted = tallies.reduce((sum, tally) => sum + tally.accepted, 0);
    expect(accepted).toBeGreaterThan(CASES / 10);
    expect(accepted).toBeLessThan((CASES * 9) / 10);
  });
});
