import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Document,
  FORMATS,
  type HostTensor,
  isDocument,
  type ModelRecord,
  networkOfModel,
  parseResult,
  readSavedModel,
  sha256,
  writeSafetensors,
} from "@thaw/core";
import { NOT_FINITE } from "@thaw/core/parity";
import { describe, expect, it } from "vitest";
import { readBaseline } from "../../src/baseline.ts";
import { readBenchReport } from "../../src/bench/bench-file.ts";
import { parseRateSearch } from "../../src/find-lr/range-record.ts";
import { kindOf } from "../../src/formats/file-kinds.ts";
import { readGridFolder } from "../../src/grid/grid-files.ts";
import { readParityReport, readResultFolder } from "../../src/report/result-folders.ts";
import { readSpecFile } from "../../src/spec-file.ts";
import { temporaryFolder, thaw } from "../command-line.ts";

// Files as earlier commits wrote them, which fixtures/README.md tells of.

const FIXTURES = fileURLToPath(new URL("./fixtures/", import.meta.url));
const COMMITS = readdirSync(FIXTURES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

/** Files of all commits, in folders of a name (none for those beside them), as `commit/folder/file`. */
function filesIn(folder: string, pattern: RegExp): string[] {
  return COMMITS.flatMap((commit) => {
    const place = join(FIXTURES, commit, folder);
    const names = existsSync(place) ? readdirSync(place) : [];
    return names.filter((name) => pattern.test(name)).map((name) => join(commit, folder, name));
  });
}

const at = (file: string): string => join(FIXTURES, file);
const raw = (file: string): Document => JSON.parse(readFileSync(at(file), "utf8")) as Document;

/** What differs between two documents, as paths; a field that only the second has counts. */
function differences(before: unknown, after: unknown, path = ""): string[] {
  if (Object.is(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((item, index) => differences(item, after[index], `${path}[]`));
  }
  if (!isDocument(before) || !isDocument(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => differences(before[key], after[key], `${path}.${key}`));
}

describe("files of earlier commits", () => {
  it("are there for every format", () => {
    expect(COMMITS).toHaveLength(12);
    expect(filesIn("results", /\.json$/).length).toBeGreaterThan(20);
    expect(filesIn("specs", /\.json$/).length).toBeGreaterThan(25);
  });

  it.each(filesIn("specs", /\.json$/))("%s is read as a spec or a sweep", async (file) => {
    const { kind } = await readSpecFile(at(file));
    expect(kind).toBe("groups" in raw(file) ? "sweep" : "spec");
  });

  it.each(filesIn("results", /\.json$/))("%s is read as a result, with the numbers that it has", (file) => {
    const old = raw(file);
    const result = parseResult(old, file);
    const { spec, ...rest } = result;
    const { spec: oldSpec, ...oldRest } = old;
    const expected =
      old.version === 1
        ? [
            ".version",
            ".environment.adapter.driver",
            ".epochs[].validation.loss",
            ".final.validation.loss",
            ".final.test.loss",
          ]
        : [];
    for (const path of differences(oldRest, rest)) expect(expected).toContain(path);
    expect(spec).toMatchObject(oldSpec as object);
    expect(kindOf(old)?.format).toBe(FORMATS.result);
  });

  it("have a loss that was no number as the largest one, and no driver where nobody asked", () => {
    const diverged = parseResult(raw(filesIn("results", /^diverged-/)[0] ?? ""), "r");
    expect(diverged.final.validation?.loss).toBe(NOT_FINITE);
    expect(diverged.epochs.at(-1)?.validation?.loss).toBe(NOT_FINITE);
    const gpu = parseResult(raw(filesIn("results", /^gpu-dawn-/)[0] ?? ""), "r");
    expect(gpu.environment.adapter?.driver).toBe("");
    expect(gpu.environment.adapter?.description).not.toBe("");
  });

  it.each(filesIn("", /^parity.*\.json$/))("%s is read as a parity report and as a baseline", async (file) => {
    const old = raw(file);
    const report = await readParityReport(at(file));
    const { drift: _drift, ...recorded } = report;
    expect(await readBaseline(at(file), report.specHash)).toEqual(recorded);
    for (const path of differences(old, report)) expect([".version", ".results[].curve[].selfNoise"]).toContain(path);
  });

  it.each(filesIn("", /^bench.*\.json$/))("%s is read as a benchmark", async (file) => {
    expect(differences(raw(file), await readBenchReport(at(file)))).toEqual([]);
  });

  it.each(filesIn("find-lr", /\.json$/))("%s is read as a range test", (file) => {
    const old = raw(file);
    const { spec: _spec, ...search } = parseRateSearch(old, file);
    const { spec: _oldSpec, ...rest } = old;
    expect(differences(rest, search)).toEqual([]);
  });

  it.each(COMMITS.filter((commit) => existsSync(join(FIXTURES, commit, "grid"))))(
    "%s has grids that are read",
    async (commit) => {
      const { grids, manifests, problems } = await readGridFolder(join(FIXTURES, commit));
      expect(problems).toEqual([]);
      expect(grids.length + manifests.length).toBe(readdirSync(join(FIXTURES, commit, "grid")).length);
    },
  );

  /** A saved model with an old record, and weights that are nought: its own are too large to be kept. */
  async function modelWith(record: Document): Promise<Uint8Array> {
    const { layers } = networkOfModel(record as unknown as ModelRecord);
    const weights = new Map(
      layers.flatMap((layer) =>
        layer.weights.map(({ name, shape }): [string, HostTensor] => {
          const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
          return [`${layer.name}/${name}`, { dtype: "float32", shape, data }];
        }),
      ),
    );
    const digests = { ...(record.digests as object), final: await sha256(writeSafetensors(weights)) };
    return writeSafetensors(weights, { thaw: JSON.stringify({ ...record, digests }) });
  }

  const RECORDS = filesIn("", /^(model|import)-record\.json$/);

  it.each(RECORDS.filter((file) => !file.includes("f6051eb")))("%s is read as that of a saved model", async (file) => {
    const { record } = await readSavedModel(await modelWith(raw(file)), file);
    const { spec: _spec, ...rest } = record;
    const { spec: _oldSpec, ...oldRest } = raw(file);
    for (const path of differences(oldRest, rest)) expect(path).toBe(".digests.final");
  });

  it("leave the models of an early page, which no Thaw could read, with a clear error", async () => {
    const [file = ""] = RECORDS.filter((name) => name.includes("f6051eb"));
    const model = writeSafetensors(new Map(), { thaw: JSON.stringify(raw(file)) });
    await expect(readSavedModel(model, "m")).rejects.toMatchObject({
      code: "model-invalid",
      message: "m: its record has no version; expected version 1.",
    });
  });

  it("make a report", async () => {
    const folder = temporaryFolder();
    for (const commit of COMMITS.filter((name) => existsSync(join(FIXTURES, name, "results")))) {
      const results = join(FIXTURES, commit, "results");
      const { others } = await readResultFolder(results);
      expect(others).toEqual([]);
      const page = join(folder, `${commit}.html`);
      const { code, stderr } = await thaw(["report", results, "--no-photos", "--out", page]);
      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(readFileSync(page, "utf8")).toContain("</html>");
    }
  }, 240_000);
});

describe("a later file", () => {
  it("is refused with who wrote it, and what to do", () => {
    const [file = ""] = filesIn("results", /^small-/);
    const later = { ...raw(file), version: 99, thawVersion: "7.1.0" };
    expect(() => parseResult(later, "r.json")).toThrow(
      `r.json is a result of version 99, written by Thaw 7.1.0; this Thaw reads versions up to ${FORMATS.result.version}.`,
    );
  });
});
