import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  benchSpeeds,
  readBaseline,
  readBenchReport,
  readParityReport,
  readResult,
  readResultFolder,
} from "@thaw/cli/internals";
import { FORMATS, parseSpec, type Result, ThawError, upgraded } from "@thaw/core";
import { compareReports, type ParityReport } from "@thaw/core/parity";
import { parityJunit, parityMarkdown, parityText, type ReportInput, reportPage, resultsMarkdown } from "@thaw/report";
import fc from "fast-check";
import { byteEdits, damagedBytes } from "../input/byte-edits.ts";
import { repositoryJson } from "../input/corpus.ts";
import { damagedDocument, documentEdits } from "../input/document-edits.ts";
import { sampleResults } from "../input/sample-results.ts";
import { workFolder } from "../input/work-folder.ts";
import { expectSame, MEGABYTE, oneFile, type Target, target } from "../target.ts";

const GROWTH = 256 * MEGABYTE;

/** Texts of damaged files of one kind: mostly as documents, some as bytes. */
function damagedTexts(documents: readonly unknown[]): fc.Arbitrary<Uint8Array> {
  const document = fc.constantFrom(...documents);
  const encoder = new TextEncoder();
  return fc.oneof(
    { weight: 1, arbitrary: document.map((whole) => encoder.encode(JSON.stringify(whole))) },
    {
      weight: 12,
      arbitrary: fc
        .tuple(document, documentEdits)
        .map(([whole, edits]) => encoder.encode(damagedDocument(whole, edits))),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(document, byteEdits)
        .map(([whole, edits]) => damagedBytes(encoder.encode(JSON.stringify(whole)), edits, [])),
    },
  );
}

function reportOf(given: Partial<ReportInput>, results: ReportInput["results"]): ReportInput {
  return {
    title: "fuzz",
    madeAt: "2026-11-26T00:00:00.000Z",
    thawVersion: "0.1.0",
    results,
    parity: [],
    speed: null,
    photos: { kind: "left-out" },
    ...given,
  };
}

/** The file as parsed JSON: what is taken is told as it stands there. */
function written(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

/** Results of runs as `thaw report` and `thaw sweep` read them, and the pages made of them. */
export function resultTarget(): Target {
  const [first, ...others] = sampleResults();
  const small = others.slice(0, 3);
  const folder = workFolder();
  const good = small[0];
  writeFileSync(join(folder, "good.json"), JSON.stringify(good));
  return target<Uint8Array>({
    name: "result",
    share: 1.5,
    codes: ["result-unreadable", "version-newer"],
    growthBytes: GROWTH,
    inputs: damagedTexts([upgraded(FORMATS.result, first, "results.json") as Result, ...small]),
    async read(bytes) {
      writeFileSync(join(folder, "fuzz.json"), bytes);
      const { results, others: refused } = await readResultFolder(folder);
      expectSame(
        "files that are accounted for",
        results.length + refused.length,
        2,
        results.length + refused.length === 2,
      );
      const input = reportOf({}, results);
      await reportPage(input);
      resultsMarkdown(input);
      const [other] = refused;
      if (other !== undefined) throw new ThawError("result-unreadable", `${other} is left out`, { hint: "–" });
      const document = upgraded(FORMATS.result, written(bytes), "fuzz.json") as Result;
      const { steps: _steps, timing, ...rest } = document; // no report shows single steps
      // With what an older spec could not say.
      const expected = { ...rest, timing: { ...timing, stepMs: [] }, spec: parseSpec(document.spec) };
      const isRead = results.some((result) => isDeepStrictEqual(result, expected));
      expectSame(
        "the result",
        results.map(({ cell }) => cell),
        document.cell,
        isRead,
      );
      mkdirSync(join(folder, "again"), { recursive: true });
      writeFileSync(join(folder, "again", "cell.json"), bytes);
      return [results, document.cell === "cell" ? await readResult(join(folder, "again"), "cell") : null];
    },
    files: (bytes) => oneFile("fuzz.json", bytes),
  });
}

/** Parity reports as `thaw report` reads them and as baselines. */
export function parityTarget(): Target {
  const document = repositoryJson("fuzz/corpus/parity.json") as ParityReport;
  const [result] = sampleResults();
  const folder = workFolder();
  return target<Uint8Array>({
    name: "parity",
    share: 1.5,
    codes: ["parity-invalid", "baseline-invalid", "version-newer"],
    growthBytes: GROWTH,
    inputs: damagedTexts([document]),
    async read(bytes) {
      const file = join(folder, "parity.json");
      writeFileSync(file, bytes);
      const report = await readParityReport(file);
      await reportPage(reportOf({ parity: [report] }, result === undefined ? [] : [result]));
      const baseline = await readBaseline(file, document.specHash);
      compareReports(baseline, document);
      compareReports(document, baseline);
      parityMarkdown(report);
      parityText(report);
      parityJunit(report);
      return [report, baseline];
    },
    files: (bytes) => oneFile("parity.json", bytes),
  });
}

/** Recordings of `thaw bench`. */
export function benchTarget(): Target {
  const { samples, ...rest } = repositoryJson("benchmarks/recorded/bench.json") as { samples: readonly unknown[] };
  const [result] = sampleResults();
  const folder = workFolder();
  return target<Uint8Array>({
    name: "bench",
    share: 1,
    codes: ["bench-invalid", "version-newer"],
    growthBytes: GROWTH,
    inputs: damagedTexts([{ ...rest, samples: samples.slice(0, 3) }]),
    async read(bytes) {
      const file = join(folder, "bench.json");
      writeFileSync(file, bytes);
      const recording = await readBenchReport(file);
      await reportPage(reportOf({ speed: benchSpeeds(recording) }, result === undefined ? [] : [result]));
      return recording;
    },
    files: (bytes) => oneFile("bench.json", bytes),
  });
}
