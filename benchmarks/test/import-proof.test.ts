import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSavedModel } from "@thaw/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  IMPORTED_ENDINGS,
  IMPORTED_MODELS,
  type ImportCase,
  imported,
  importedPredictions,
  makeImportCase,
} from "../src/export-proof/import-case.ts";
import { type KerasReading, largestDifference } from "../src/export-proof/proof.ts";
import { thaw } from "../src/export-proof/proof-case.ts";
import { hasReader, readInPython } from "../src/export-proof/python-reader.ts";

const PROBABILITY_BOUND = 1e-5;
const FILES = IMPORTED_MODELS.flatMap((model) => IMPORTED_ENDINGS.map((ending) => [model, ending] as const));

let made: ImportCase;

// Keras and the command line are started again and again.
describe.skipIf(!hasReader("make_keras"))("a whole model that Keras saved", { timeout: 300_000 }, () => {
  beforeAll(async () => {
    made = await makeImportCase(mkdtempSync(join(tmpdir(), "thaw-import-")));
  }, 300_000);

  afterAll(() => rmSync(made.folder, { recursive: true, force: true }));

  it.each(FILES)("predicts as in Keras once it is imported: %s.%s", async (model, ending) => {
    const expected = made.probabilities[model] ?? new Float32Array();
    expect(Math.min(...expected)).toBeGreaterThan(0);
    expect(Math.max(...expected)).toBeLessThan(0.99);
    const found = await importedPredictions(made, imported(made, `${model}.${ending}`));
    expect(largestDifference(found, expected)).toBeLessThan(PROBABILITY_BOUND);
  });

  it("says where it comes from, and that no run stands behind it", async () => {
    const file = imported(made, "nested.keras");
    const { record } = await readSavedModel(readFileSync(file), file);
    if (!("imported" in record)) throw new Error("The model was not imported.");
    expect(record.imported).toMatchObject({ file: "nested.keras", format: "keras-zip" });
    expect(record.imported.leftOut[0]).toContain("random_flip");
    expect(record.spec.model).toMatchObject({ alpha: 0.35, imageSize: 96, head: { name: "shoe_type", dropout: 0.2 } });
    expect("phases" in record).toBe(false);
  });

  it("goes back to Keras with the same predictions, and its card says that it was imported", async () => {
    const out = join(made.folder, "exported");
    thaw(["export", imported(made, "nested.h5"), "--to", "keras", "--out", out, "--with-rescaling"]);
    const { probabilities } = await readInPython<KerasReading>({
      reader: "with_keras",
      file: join(out, "model.keras"),
      pixels: made.pixelFile,
      shape: made.shape,
      takesPixels: true,
    });
    const found = Float32Array.from(probabilities.flat());
    expect(largestDifference(found, made.probabilities.nested ?? new Float32Array())).toBeLessThan(PROBABILITY_BOUND);
    expect(readFileSync(join(out, "MODEL_CARD.md"), "utf8")).toContain("No run of Thaw stands behind it");
  });

  it.each([
    ["other-scale.keras", /scale pixels otherwise than pixel \/ 127\.5 - 1/],
    ["flatten.keras", /layer "flatten.*" of type Flatten/],
    ["bare.weights.h5", /holds weights alone/],
  ])("is refused where Thaw would predict something else: %s", (file, message) => {
    expect(() => imported(made, file)).toThrow(message);
  });
});
