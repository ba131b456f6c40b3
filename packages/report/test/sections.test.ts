import type { Result } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { htmlText } from "../src/page/markup.ts";
import { mistakesSection } from "../src/page/mistakes-section.ts";
import { paritySection } from "../src/page/parity-section.ts";
import { resultsTable } from "../src/page/results-table.ts";
import { environmentSection, runsSection } from "../src/page/runs-section.ts";
import { bestRow } from "../src/rows/best-row.ts";
import { allRows, groupRows } from "../src/rows/report-rows.ts";
import { badReport, goodReport, WEBGPU } from "./report-example.ts";
import { allResults, exampleResults } from "./results-example.ts";

const RESULTS = exampleResults();
const [FIRST] = RESULTS as [Result, ...Result[]];

describe("resultsTable", () => {
  it("flags a row that never left chance as under-trained, and says never that it forgot", async () => {
    const results = RESULTS.map((result) => ({ ...result, underTrained: result.spec.freeze === 154 }));
    const text = htmlText(await resultsTable(groupRows(results), null));
    expect(text.match(/under-trained/g)?.length).toBe(1);
    expect(text).not.toMatch(/forg[eo]t/);
  });

  it("names an emulated GPU as what it is", async () => {
    const text = htmlText(await resultsTable(groupRows([{ ...FIRST, runner: "webgpu", environment: WEBGPU }]), null));
    expect(text).toContain("software (SwiftShader)");
    expect(text).toContain("an emulated GPU: its speed says nothing of a real one");
  });

  it("draws phases, multiplied rates and both runners of one experiment", async () => {
    const groups = groupRows(allResults());
    const text = htmlText(await resultsTable(groups, null));
    expect(groups.map(({ name }) => name)).toEqual(["shoes: depth", "shoes: transfer", "shoes: gentle", "single runs"]);
    expect(text).toContain("Phase “head”, 5 epochs");
    expect(text).toContain("at 0.1 of the learning rate");
    expect(text).toContain("BN: 0 batch-stats, 52 inference");
    const transfer = groups[1]?.rows ?? [];
    expect(transfer.map(({ runner }) => runner)).toEqual(["node", "webgpu"]);
    expect(transfer[0]?.experiment).toBe(transfer[1]?.experiment);
  });

  it("says how a freeze count counts", async () => {
    const text = htmlText(await resultsTable(groupRows(RESULTS), null));
    expect(text).toContain("A freeze count counts from the image:");
    expect(text).toContain("trains head alone");
  });
});

describe("paritySection", () => {
  it("shows a verdict for each rung, and where runners part first", () => {
    const text = htmlText(paritySection([badReport()]) ?? ([] as never));
    expect(text).toContain("✗ FAIL");
    expect(text).toContain("webgpu leaves keras at L3 gradients, depth 0");
    expect(text).toContain("software (SwiftShader)");
    expect(text).toContain("✗ NOT shown");
  });

  it("says that none parts where all passed, and who is missing", () => {
    const text = htmlText(paritySection([goodReport()]) ?? ([] as never));
    expect(text).toContain("No runner leaves the reference");
    expect(text).toContain("There is no Vulkan loader.");
    expect(paritySection([])).toBeNull();
  });
});

describe("mistakesSection", () => {
  it("says why a photo is not there, once for all", () => {
    const best = bestRow(allRows(groupRows(RESULTS)));
    const text = htmlText(
      mistakesSection(best, { kind: "shown", images: new Map(), missing: new Map() }) ?? ([] as never),
    );
    expect(text).toContain("12 photos could not be shown: not there.");
    const without = htmlText(mistakesSection(best, { kind: "left-out" }) ?? ([] as never));
    expect(without).toContain("Photos were left out (--no-photos).");
  });
});

describe("runsSection", () => {
  it("holds every run with spec and hashes, repeated ones too", () => {
    const text = htmlText(runsSection(groupRows([...RESULTS, { ...FIRST, cell: `${FIRST.cell}.r2` }])));
    expect(text.match(/class="run"/g)?.length).toBe(RESULTS.length + 1);
    expect(text).toContain(FIRST.planHash);
    expect(text).toContain("&quot;imageSize&quot;: 160");
    expect(text).toContain("the same before and after");
  });
});

describe("environmentSection", () => {
  it("lists each environment and each warning once, with their runs", () => {
    const warnings = [{ code: "duplicate", message: "two photos are the same" }];
    const text = htmlText(environmentSection(groupRows(RESULTS.map((result) => ({ ...result, warnings })))));
    expect(text.match(/<th scope="row">node/g)?.length).toBe(1);
    expect(text).toContain(`duplicate: two photos are the same <span class="soft">(${RESULTS.length} runs)`);
  });
});
