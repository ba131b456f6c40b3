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
  makeConfigCase,
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

type Inputs = readonly (readonly [name: string, shape: readonly number[]])[];

/** A layer as Keras 3 writes it. */
function configured(className: string, name: string, config: object, inputs: Inputs): unknown {
  const tensors = inputs.map(([input, shape]) => ({
    class_name: "__keras_tensor__",
    config: { shape: [null, ...shape], dtype: "float32", keras_history: [input, 0, 0] },
  }));
  const args = tensors.length > 1 ? [tensors] : tensors;
  const nodes = tensors.length === 0 ? [] : [{ args, kwargs: {} }];
  return { module: "keras.layers", class_name: className, config: { name, ...config }, name, inbound_nodes: nodes };
}

/** What no named architecture has: given statistics, joined activations of every kind, products of images. */
function everyLayer(): unknown {
  const [full, half, quarter] = [
    [64, 64, 3],
    [32, 32, 8],
    [16, 16, 8],
  ] as const;
  const window = { kernel_size: [3, 3], strides: [1, 1], padding: "same", use_bias: true };
  const [wide, factor] = [
    [8, 32, 8],
    [1, 1, 8],
  ] as const;
  const layers = [
    configured("InputLayer", "image", { batch_shape: [null, ...full] }, []),
    configured("Rescaling", "scale", { scale: [0.004, 0.005, 0.006], offset: [0, 0.1, 0] }, [["image", full]]),
    configured("Normalization", "norm", { axis: [-1], mean: [0.4, 0.5, 0.6], variance: [0.1, 0.2, 0.3] }, [
      ["scale", full],
    ]),
    configured("Conv2D", "a", { ...window, filters: 8, strides: [2, 2], activation: "hard_silu" }, [["norm", full]]),
    configured("Conv2D", "b", { ...window, filters: 8, activation: "hard_sigmoid" }, [["a", half]]),
    configured("DepthwiseConv2D", "c", { ...window, activation: "relu6" }, [["a", half]]),
    configured("Multiply", "product", {}, [
      ["b", half],
      ["c", half],
    ]),
    configured("MaxPooling2D", "pool", { pool_size: [3, 2], strides: [2, 2], padding: "same" }, [["product", half]]),
    configured("Reshape", "wide", { target_shape: wide }, [["pool", quarter]]),
    configured("Conv2D", "d", { ...window, filters: 8, activation: "silu" }, [["wide", wide]]),
    configured("Activation", "e", { activation: "sigmoid" }, [["d", wide]]),
    configured("Activation", "f", { activation: "hard_sigmoid" }, [["d", wide]]),
    configured("Activation", "g", { activation: "linear" }, [["f", wide]]),
    configured("Add", "sum", {}, [
      ["e", wide],
      ["g", wide],
    ]),
    configured("GlobalAveragePooling2D", "squeeze", { keepdims: true }, [["sum", wide]]),
    configured("Conv2D", "excite", { ...window, kernel_size: [1, 1], filters: 8, activation: "relu" }, [
      ["squeeze", factor],
    ]),
    configured("Multiply", "excited", {}, [
      ["excite", factor],
      ["sum", wide],
    ]),
    configured("Dropout", "drop", { rate: 0.1, noise_shape: [null, 1, 1, 1] }, [["excited", wide]]),
    configured("GlobalAveragePooling2D", "features", {}, [["drop", wide]]),
  ];
  const config = { name: "every_layer", layers, input_layers: ["image", 0, 0], output_layers: ["features", 0, 0] };
  return { class_name: "Functional", config };
}

describe.skipIf(process.env.THAW_ASSETS === undefined)(
  "an exported network of every layer (THAW_ASSETS)",
  { timeout: TIME_LIMIT_MS },
  () => {
    it("predicts the same everywhere", async () => {
      const folder = mkdtempSync(join(tmpdir(), "thaw-export-"));
      try {
        const made = await makeConfigCase(folder, "every-layer", everyLayer());
        const own = await ownPredictions(made);
        expectSame(architectureRow(made, own, "tfjs", await tfjsOf(made)));
        expectSame(architectureRow(made, own, "onnx", await onnxWebOf(made)));
        if (hasReader("with_keras"))
          expectSame(architectureRow(made, own, "keras", pythonReading(await kerasOf(made))));
        if (hasReader("with_onnx")) expectSame(architectureRow(made, own, "onnx", pythonReading(await onnxOf(made))));
        expect(spread(own.float64)).toBeGreaterThan(0.01);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
);
