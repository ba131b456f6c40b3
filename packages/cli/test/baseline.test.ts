import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Environment, FORMATS, ThawError } from "@thaw/core";
import { compareReports, NOT_FINITE, type ParityReport, verdictOf } from "@thaw/core/parity";
import { describe, expect, it } from "vitest";
import { readBaseline, writeBaseline } from "../src/baseline.ts";

const KERAS: Environment = {
  runner: "keras",
  engine: "Keras 3.15.0",
  device: { kind: "cpu", name: "AMD EPYC", software: false, note: "no driver" },
  settings: { dtype: "float64", threads: 2, tf32: false },
  versions: { keras: "3.15.0" },
  platform: { os: "Linux 6.1", arch: "x64", cores: 2, memoryBytes: 8e9 },
};

const at = { step: 1, tensor: "Conv1/kernel" };
const measure = { at, value: Number.NaN, bound: 1e-3, what: "relative L2 error of the gradient" };

const REPORT: ParityReport = {
  version: FORMATS.parityReport.version,
  name: "golden",
  specHash: "abc",
  thawVersion: "0.1.0",
  startedAt: "2026-01-02T03:04:05Z",
  wallMs: 1,
  reference: { runner: "keras", dtype: "float64", environment: KERAS },
  weightsAt: [0, 1, 4],
  depths: ["0"],
  runners: [
    { name: "node", environment: KERAS, required: true },
    { name: "dawn", environment: null, required: false, missing: { code: "c", reason: "r", hint: "h" } },
  ],
  results: [
    verdictOf({ rung: "L3", runner: "node", depth: "0" }, [measure], {
      curve: [
        { name: "Conv1/kernel", value: 1e-4, bound: 1e-3, selfNoise: 1e-5 },
        { name: "step 1: loss", value: Number.NaN, bound: Number.NaN, selfNoise: Number.NaN },
      ],
    }),
    verdictOf({ rung: "L1", runner: "node", depth: null }, [], { note: "nothing" }),
  ],
  equivalence: [],
  divergences: [{ rung: "L3", runner: "node", depth: "0", measure: null, sentence: "node leaves keras" }],
  passed: false,
};

const folder = mkdtempSync(join(tmpdir(), "thaw-baseline-"));

async function failure(text: string | null, specHash = "abc"): Promise<string> {
  const file = join(folder, "given.json");
  if (text !== null) writeFileSync(file, text);
  try {
    await readBaseline(text === null ? join(folder, "absent.json") : file, specHash);
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    expect(error.code).toBe("baseline-invalid");
    expect(error.hint).toContain("--update-baseline");
    return error.message;
  }
  throw new Error("Expected a ThawError, but nothing was thrown.");
}

const changed = (change: object): string => JSON.stringify({ ...REPORT, ...change });

describe("a baseline", () => {
  it("comes back as it was written, with what JSON has no number for", async () => {
    const file = join(folder, "deep", "er", "baseline.json");
    await writeBaseline(file, REPORT);
    const read = await readBaseline(file, "abc");
    expect(read).toEqual(REPORT);
    expect(read.results[0]?.worst?.value).toBe(NOT_FINITE);
    expect(compareReports(read, REPORT)).toEqual([]);
  });

  it("takes the place of an earlier one, without its drift, and leaves no other file", async () => {
    const file = join(folder, "again", "baseline.json");
    const drift = { rung: "L3", runner: "node", depth: "0", what: "status", before: "pass", now: "fail" } as const;
    await writeBaseline(file, REPORT);
    await writeBaseline(file, { ...REPORT, name: "newer", drift: [{ ...drift, environmentChanges: [] }] });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ ...REPORT, name: "newer" });
    expect(readdirSync(join(folder, "again"))).toEqual(["baseline.json"]);
  });

  it("may hold fields that a later Thaw added", async () => {
    const file = join(folder, "newer.json");
    writeFileSync(file, changed({ later: 1 }));
    expect(await readBaseline(file, "abc")).toEqual(REPORT);
  });

  it("is refused with the reason where it is not there, no JSON, or no report", async () => {
    expect(await failure(null)).toMatch(/absent\.json: there is no such file\.$/);
    expect(await failure("{")).toMatch(/given\.json: no valid JSON \(/);
    expect(await failure("[]")).toContain("no parity report: the document: ");
    expect(await failure("null")).toContain("no parity report");
    expect(await failure(changed({ results: [{ ...REPORT.results[0], status: "fine" }] }))).toMatch(
      /no parity report: results\.0\.status: Invalid option/,
    );
  });

  it("is refused where it is of another version or another experiment", async () => {
    const file = join(folder, "given.json");
    writeFileSync(file, changed({ version: 9 }));
    await expect(readBaseline(file, "abc")).rejects.toMatchObject({
      code: "version-newer",
      message: expect.stringMatching(
        /given\.json is a parity report of version 9, written by Thaw 0\.1\.0; this Thaw reads/,
      ),
    });
    expect(await failure(changed({ specHash: "0123456789abcdef" }))).toContain(
      'a report of another experiment, "golden" (spec 0123456789ab, here abc)',
    );
  });

  it("says where it cannot be written", async () => {
    const file = join(folder, "given.json", "baseline.json");
    await expect(writeBaseline(file, REPORT)).rejects.toMatchObject({ code: "result-unwritable" });
  });
});
