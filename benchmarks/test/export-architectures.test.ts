import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ArchitectureCase,
  architectureRow,
  EXPORTED_ARCHITECTURES,
  kerasOf,
  makeArchitectureCase,
  onnxOf,
  onnxWebOf,
  pythonReading,
  tfjsOf,
} from "../src/export-proof/architecture-case.ts";
import { type OwnPredictions, ownPredictions, type ProofRow } from "../src/export-proof/proof.ts";
import { hasReader } from "../src/export-proof/python-reader.ts";

const PHOTOS = 6;
/** What is promised of every format: so far from the exact answer. Two float32 engines may lie on either side of it. */
const PROBABILITY_BOUND = 1e-5;
const TIME_LIMIT_MS = 300_000;

function expectSame({ photos, fromFloat32, fromFloat64, sameClass }: ProofRow): void {
  expect(photos).toBe(PHOTOS);
  expect(sameClass).toBe(PHOTOS);
  expect(fromFloat32).toBeLessThan(2 * PROBABILITY_BOUND);
  expect(fromFloat64).toBeLessThan(PROBABILITY_BOUND);
}

/** How far a class's probability goes from photo to photo, for the class with which it goes furthest. */
function spread(probabilities: Float32Array): number {
  const classes = Array.from({ length: probabilities.length / PHOTOS }, (_, index) => index);
  const ofClass = (label: number): number[] =>
    Array.from({ length: PHOTOS }, (_, photo) => probabilities[photo * classes.length + label] ?? Number.NaN);
  return Math.max(...classes.map((label) => Math.max(...ofClass(label)) - Math.min(...ofClass(label))));
}

// Real photos: the names of what needs them say so.
describe.skipIf(process.env.THAW_ASSETS === undefined).each(EXPORTED_ARCHITECTURES)(
  "an exported %s (THAW_ASSETS)",
  { timeout: TIME_LIMIT_MS },
  (name) => {
    let folder: string;
    let made: ArchitectureCase;
    let own: OwnPredictions;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "thaw-export-"));
      made = await makeArchitectureCase(folder, name);
      own = await ownPredictions(made);
    }, TIME_LIMIT_MS);

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it("tells photos apart, or nothing would be shown by agreement", () => {
      expect(spread(own.float64)).toBeGreaterThan(0.15);
    });

    it.skipIf(!hasReader("with_keras"))("predicts the same in Keras, with the same layers frozen", async () => {
      const reading = await kerasOf(made);
      expectSame(architectureRow(made, own, "keras", pythonReading(reading)));
      if ("imported" in made.model.record) throw new Error("The model was trained here.");
      const layers = made.model.record.phases.at(-1)?.layers ?? [];
      const expected = layers.map(({ name: layer, trainable }) => [layer, trainable] as const);
      // An input has nothing to train: Keras says true whatever the file says.
      expect(reading.trainable).toEqual({ ...Object.fromEntries(expected), input_layer: true });
      expect(Object.values(reading.trainable).filter((trainable) => !trainable).length).toBeGreaterThan(70);
      const trained = layers.filter(({ trainableParams }) => trainableParams > 0).map(({ name: layer }) => layer);
      expect(reading.moved).toEqual(trained.sort());
    });

    it("predicts the same in tfjs-layers", async () => {
      expectSame(architectureRow(made, own, "tfjs", await tfjsOf(made)));
    });

    it("predicts the same in onnxruntime-web", async () => {
      expectSame(architectureRow(made, own, "onnx", await onnxWebOf(made)));
    });

    it.skipIf(!hasReader("with_onnx"))("passes ONNX's checker and predicts the same in Python", async () => {
      const reading = await onnxOf(made);
      expectSame(architectureRow(made, own, "onnx", pythonReading(reading)));
      const { alone, version } = reading;
      expectSame(architectureRow(made, own, "onnx", pythonReading({ version, probabilities: alone })));
    });

    it("has a card that says what goes in", () => {
      const words = {
        MobileNet: "red, green, blue; values -1…1: pixel / 127.5 - 1",
        ResNet50: "blue, green, red; values -123.68…151.061",
        EfficientNetB0:
          "red, green, blue; values 0…255: the pixel itself, as float32. The network scales pixels itself",
        MobileNetV3Small:
          "red, green, blue; values 0…255: the pixel itself, as float32. The network scales pixels itself",
      };
      expect(readFileSync(join(made.folder, "MODEL_CARD.md"), "utf8")).toContain(words[name]);
    });
  },
);
