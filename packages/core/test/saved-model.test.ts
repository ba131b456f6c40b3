import { beforeAll, describe, expect, it } from "vitest";
import { FORMATS } from "../src/formats/formats.ts";
import { type HostTensor, parseSafetensors, safetensorsMetadata, writeSafetensors } from "../src/model/safetensors.ts";
import { type Result, resultOfPlan } from "../src/runner/result.ts";
import { readSavedModel, resizeOf, writeImportedModel, writeSavedModel } from "../src/runner/saved-model.ts";
import { failureOf } from "./failure.ts";
import { complete, type TinyResult, tinyRun } from "./tiny-run.ts";

let trained: TinyResult;
let result: Result;
let bytes: Uint8Array;

beforeAll(async () => {
  const run = await tinyRun({});
  trained = await complete(run);
  const [start] = trained.events;
  if (start?.type !== "start") throw new Error("The run has no start.");
  result = {
    version: FORMATS.result.version,
    cell: "tiny",
    sweep: null,
    thawVersion: "0.0.0",
    runner: "test",
    finishedAt: "2026-11-26T00:00:00.000Z",
    ...resultOfPlan(run.plan),
    ...trained.outcome,
    environment: start.environment,
    warnings: [],
  };
  bytes = writeSavedModel(result, trained.weights);
});

/** The file with another record, or with weights that somebody changed. */
function spoilt(
  change: (record: Record<string, unknown>) => void,
  weights: ReadonlyMap<string, HostTensor> = trained.weights,
): Uint8Array {
  const record = JSON.parse(safetensorsMetadata(bytes, "model").get("thaw") ?? "") as Record<string, unknown>;
  change(record);
  return writeSafetensors(weights, { thaw: JSON.stringify(record) });
}

describe("a saved model", () => {
  it("comes back with its weights, its spec, what trained and its metrics", async () => {
    const { record, weights } = await readSavedModel(bytes, "model.safetensors");
    expect([...weights]).toEqual([...trained.weights]);
    expect(record.spec).toEqual(result.spec);
    if ("imported" in record) throw new Error("The model was trained here.");
    expect(record.data.classes).toEqual(["dark", "light", "striped"]);
    expect(record.final).toEqual(trained.outcome.final);
    const { validation = [] } = record.confusion ?? {};
    const right = validation.reduce((sum, row, label) => sum + (row[label] ?? 0), 0);
    expect(validation.flat().reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(right / 3).toBeCloseTo(trained.outcome.final.validation?.accuracy ?? Number.NaN, 6);
    expect(record.phases[0]?.layers.filter(({ trainable }) => trainable).map(({ name }) => name)).toEqual(["head"]);
  });

  it("is a safetensors file to any reader, and names no photo", () => {
    expect([...parseSafetensors(bytes, "model").keys()]).toEqual([...trained.weights.keys()]);
    expect(result.data.heldOut?.validation.ids.length).toBe(3);
    expect(safetensorsMetadata(bytes, "model").get("thaw")).not.toContain("image-");
  });

  it("is refused where it is no saved model or another than its record says", async () => {
    const refuse = async (file: Uint8Array): Promise<string> => {
      const { code, message } = await failureOf(() => readSavedModel(file, "m.safetensors"));
      return `${code}: ${message}`;
    };
    expect(await refuse(writeSafetensors(trained.weights))).toMatch(/^model-invalid: m.safetensors: .*no record/);
    const foreign = writeSafetensors(trained.weights, { thaw: "{" });
    expect(await refuse(foreign)).toMatch(/model-invalid.*no JSON/);
    expect(await refuse(spoilt((record) => Object.assign(record, { version: 7 })))).toMatch(
      /^version-newer: m.safetensors is a saved model of version 7, written by Thaw 0.0.0; this Thaw reads/,
    );
    expect(await refuse(spoilt((record) => Object.assign(record, { data: {} })))).toMatch(/names no classes/);
    expect(await refuse(spoilt((record) => Object.assign(record, { phases: [] })))).toMatch(/no phases/);
    expect(await refuse(spoilt((record) => Object.assign(record, { digests: {} })))).toMatch(/no digest/);
    expect(await refuse(spoilt((record) => Object.assign(record.spec as object, { batchSize: 0 })))).toMatch(
      /^spec-invalid: m.safetensors, spec: batchSize/,
    );
    const asked = spoilt((record) =>
      Object.assign(record.spec as object, { model: { architecture: "keras", config: "c" } }),
    );
    expect(await refuse(asked)).toMatch(
      /^model-invalid: m.safetensors: its record has no configuration of its network/,
    );
    const metrics = spoilt((record) => Object.assign(record.final as object, { train: {} }));
    expect(await refuse(metrics)).toMatch(/^model-invalid: .*not that of a run: final\.train\.loss/);
    expect(await refuse(spoilt((record) => Object.assign(record, { config: null })))).toMatch(
      /^model-invalid: .*config/,
    );
    const square = { validation: [[1]], test: [[1]] };
    expect(await refuse(spoilt((record) => Object.assign(record, { confusion: square })))).toMatch(/not a row a class/);
    const polluted = writeSafetensors(trained.weights, { thaw: '{"version":1,"__proto__":{"data":{}}}' });
    expect(await refuse(polluted)).toMatch(/^model-invalid: .*a key "__proto__"/);
    const less = new Map(trained.weights);
    less.delete("head/bias");
    expect(await refuse(spoilt(() => undefined, less))).toMatch(/"head\/bias" is missing; expected float32 \[3\]/);
    const data = new Float32Array(4);
    const other = new Map([...trained.weights, ["head/bias", { dtype: "float32", shape: [4], data } as const]]);
    expect(await refuse(spoilt(() => undefined, other))).toMatch(/"head\/bias" is float32 \[4\]; expected/);
    const moved = Float32Array.from([1, 2, 3]);
    const changed = new Map([
      ...trained.weights,
      ["head/bias", { dtype: "float32", shape: [3], data: moved } as const],
    ]);
    expect(await refuse(spoilt(() => undefined, changed))).toMatch(/SHA-256 [0-9a-f]{64}, the record says/);
  });
});

describe("an imported model", () => {
  const imported = { file: "x.keras", sha256: "ab", format: "keras-zip", leftOut: ["flip"] };

  async function importedModel(change: object = {}): Promise<Uint8Array> {
    const { spec, data } = result;
    const record = {
      thawVersion: "0.0.0",
      finishedAt: "2026-11-26T00:00:00.000Z",
      imported,
      spec: { model: spec.model, data: { resize: "crop" as const } },
      data: { classes: data.classes },
      ...change,
    };
    return await writeImportedModel(record, trained.weights);
  }

  it("comes back with where it is from, how its images are made, and no run", async () => {
    const { record, weights } = await readSavedModel(await importedModel(), "m.safetensors");
    expect("imported" in record && record.imported).toEqual(imported);
    expect("phases" in record).toBe(false);
    expect(record.spec).toEqual({ model: result.spec.model, data: { resize: "crop" } });
    expect(resizeOf(record)).toBe("crop");
    expect([...weights]).toEqual([...trained.weights]);
  });

  it("is refused where its record does not say what it is", async () => {
    const codeOf = async (change: object): Promise<string> =>
      (await failureOf(async () => await readSavedModel(await importedModel(change), "m.safetensors"))).code;
    expect(await codeOf({ imported: { ...imported, file: 5 } })).toBe("model-invalid");
    expect(await codeOf({ imported: { ...imported, leftOut: [null] } })).toBe("model-invalid");
    expect(await codeOf({ finishedAt: 5 })).toBe("model-invalid");
    const keras = { architecture: "keras", config: "c.json", imageSize: 32 };
    expect(await codeOf({ spec: { model: keras, data: { resize: "crop" } } })).toBe("model-invalid");
    expect(await codeOf({ spec: { model: { alpha: 7 }, data: { resize: "crop" } } })).toBe("spec-invalid");
    expect(await codeOf({ spec: { model: result.spec.model, data: { resize: "cut" } } })).toBe("spec-invalid");
  });
});
