import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  cardOf,
  type InputKind,
  type KerasReading,
  type OwnPredictions,
  onnxWebRow,
  ownPredictions,
  type ProofRow,
  pythonRow,
  readKeras,
  readOnnx,
  safetensorsReading,
  tfjsRow,
} from "../src/export-proof/proof.ts";
import { makeProofCase, type ProofCase } from "../src/export-proof/proof-case.ts";
import { hasReader } from "../src/export-proof/python-reader.ts";

const PHOTOS = 24;
/** What is promised of every format: so far from the exact answer. Two float32 engines may lie on either side of it. */
const PROBABILITY_BOUND = 1e-5;
const KINDS: readonly InputKind[] = ["scaled", "pixels"];

let folder: string;
let proof: ProofCase;
let own: OwnPredictions;
/** Keras takes half a minute to start: each archive is read once. */
const inKeras = new Map<InputKind, Promise<KerasReading>>();

function readOnce(kind: InputKind): Promise<KerasReading> {
  const reading = inKeras.get(kind) ?? readKeras(proof, kind);
  inKeras.set(kind, reading);
  return reading;
}

function expectSame({ photos, fromFloat32, fromFloat64, sameClass }: ProofRow): void {
  expect(photos).toBe(PHOTOS);
  expect(sameClass).toBe(PHOTOS);
  expect(fromFloat32).toBeLessThan(2 * PROBABILITY_BOUND);
  expect(fromFloat64).toBeLessThan(PROBABILITY_BOUND);
}

// Real photos and weights: the names of what needs them say so.
describe.skipIf(process.env.THAW_ASSETS === undefined)("an exported model (THAW_ASSETS)", { timeout: 300_000 }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "thaw-export-"));
    proof = await makeProofCase(folder);
    own = await ownPredictions(proof);
  }, 600_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is sure of some photos and not of all, or nothing would be shown by agreement", () => {
    const sorted = [...own.float32].sort((first, second) => first - second);
    expect(sorted.at(-1)).toBeGreaterThan(0.9);
    expect(own.float32.filter((share) => share > 0.05 && share < 0.95).length).toBeGreaterThan(5);
  });

  describe.skipIf(!hasReader("with_keras"))("in Keras", () => {
    it.each(KINDS)("predicts the same from a .keras archive, %s input", async (kind) => {
      expectSame(pythonRow(proof, own, "keras", kind, await readOnce(kind)));
    });

    it("keeps what trained and what was frozen, and trains on", async () => {
      const { trainable, moved, stayed, loss } = await readOnce("scaled");
      if ("imported" in proof.model.record) throw new Error("The model was trained here.");
      const layers = proof.model.record.phases.at(-1)?.layers ?? [];
      const expected = layers.map(({ name, trainable: trains }) => [name, trains] as const);
      // An input has nothing to train: Keras says true whatever the file says.
      expect(trainable).toEqual({ ...Object.fromEntries(expected), input_layer: true });
      expect(Object.values(trainable).filter((trains) => !trains).length).toBeGreaterThan(100);
      expect(loss).toBeGreaterThan(0);
      expect(stayed).toEqual([]);
      const trained = layers.filter(({ trainableParams }) => trainableParams > 0).map(({ name }) => name);
      expect(moved).toEqual(trained.sort());
    });
  });

  it.each(KINDS)(
    "predicts the same in tfjs-layers, %s input",
    async (kind) => {
      expectSame(await tfjsRow(proof, own, kind));
    },
    180_000,
  );

  it.each(KINDS)("predicts the same in onnxruntime-web, %s input", async (kind) => {
    expectSame(await onnxWebRow(proof, own, kind));
  });

  describe.skipIf(!hasReader("with_onnx"))("in Python's ONNX Runtime", () => {
    it.each(KINDS)("passes ONNX's checker and predicts the same, %s input", async (kind) => {
      const reading = await readOnnx(proof, kind);
      expectSame(pythonRow(proof, own, "onnx", kind, reading));
      expectSame(pythonRow(proof, own, "onnx", kind, { ...reading, probabilities: reading.alone }));
      expect(reading.input).toEqual(["images", ["batch", 96, 96, 3]]);
      expect(reading.output).toEqual(["probabilities", ["batch", 6]]);
    });
  });

  it.skipIf(!hasReader("with_safetensors"))("has the same bits in Python's safetensors", async () => {
    const { tensors, different } = await safetensorsReading(proof);
    expect(tensors).toBe(proof.model.weights.size);
    expect(different).toEqual([]);
  });

  it("has a card that says what goes in and out, and names no photo", () => {
    const card = cardOf(proof, "scaled");
    expect(card).toContain("values -1…1: pixel / 127.5 - 1");
    expect(cardOf(proof, "pixels")).toContain("values 0…255");
    expect(card).toContain(proof.model.record.digests.final);
    expect(card).toMatch(/\| `Conv1` … `block_14_project_BN` \| 90 \| \d+ \| frozen \|/);
    expect(card).not.toMatch(/\.jpg|\.jpeg|\.png/i);
  });
});
