import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { gunzipSync } from "node:zlib";
import { readModelConfig } from "@thaw/assets";
import { modelFromKerasConfig, type Spec, sizeOf } from "@thaw/core";
import fc from "fast-check";
import { repositoryJson } from "../input/corpus.ts";
import { damagedDocument, documentEdits, resizedDocument } from "../input/document-edits.ts";
import { SMALL_CONFIG } from "../input/small-config.ts";
import { workFolder } from "../input/work-folder.ts";
import { expectSame, MEGABYTE, oneFile, type Target, target } from "../target.ts";

const GOLDEN = "packages/core/test/golden/architectures";

function golden(name: string): unknown {
  const file = new URL(`../../../${GOLDEN}/${name}.config.json.gz`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(file)).toString("utf8"));
}

const isSide = (side: number): boolean => Number.isSafeInteger(side) && side > 0;

/** Sides, counts and factors that nobody builds. */
const sizes = fc.constantFrom(0, -1, 2, 3, 33, 1000, 65_537, 2 ** 20, 2 ** 31, 2 ** 40, 2 ** 52);

/** Configurations of Keras functional models as files: what is taken is a network whose every tensor could be. */
export function kerasConfigTarget(): Target {
  const documents = [
    SMALL_CONFIG,
    SMALL_CONFIG,
    SMALL_CONFIG,
    repositoryJson(`${GOLDEN}/keras-2.config.json`),
    golden("MobileNet-64"),
  ];
  const folder = workFolder();
  return target<string>({
    name: "keras-config",
    share: 14,
    codes: ["model-config-invalid", "model-unsupported"],
    growthBytes: 128 * MEGABYTE,
    inputs: fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom(...documents).map((document) => JSON.stringify(document)) },
      {
        weight: 20,
        arbitrary: fc
          .tuple(fc.constantFrom(...documents), documentEdits)
          .map(([document, edits]) => damagedDocument(document, edits)),
      },
      {
        weight: 8,
        arbitrary: fc.tuple(fc.nat(999), sizes).map(([place, size]) => resizedDocument(SMALL_CONFIG, place, size)),
      },
    ),
    async read(text) {
      const path = join(folder, "config.json");
      writeFileSync(path, text);
      const model = { architecture: "keras", config: path } as unknown as Spec["model"];
      const config = await readModelConfig(model, { baseDir: folder, env: {} });
      const options = {
        imageSize: text.includes('"small"') || text.includes("32, 32") ? 32 : 64,
        preprocessing: "tf",
        where: "config.json",
      } as const;
      const network = modelFromKerasConfig(config?.json, options);
      const names = new Set<string>();
      for (const layer of network.layers) {
        expectSame(
          `inputs of ${layer.name}`,
          layer.inputs,
          [...names].slice(-3),
          layer.inputs.every((name) => names.has(name)),
        );
        names.add(layer.name);
        const shapes = [layer.outputShape, ...layer.weights.map(({ shape }) => shape)];
        expectSame(
          `shapes of ${layer.name}`,
          shapes,
          "whole numbers above 0",
          shapes.every((shape) => shape.length > 0 && shape.every(isSide)),
        );
        expectSame(
          `sizes of ${layer.name}`,
          shapes,
          "below 2^31 elements",
          shapes.every((shape) => sizeOf(shape) < 2 ** 31),
        );
        expectSame(
          `work of ${layer.name}`,
          layer.macs,
          "a whole number",
          Number.isSafeInteger(layer.macs) && layer.macs >= 0,
        );
        if (layer.op.type === "Rescaling") {
          const counts = [layer.op.scale.length, layer.op.offset.length];
          expectSame(
            `factors of ${layer.name}`,
            counts,
            layer.outputShape[2],
            counts.every((count) => count === layer.outputShape[2]),
          );
        }
        if (layer.op.type === "Normalization" && layer.op.given !== undefined) {
          const counts = [layer.op.given.mean.length, layer.op.given.variance.length];
          expectSame(
            `statistics of ${layer.name}`,
            counts,
            layer.outputShape[2],
            counts.every((count) => count === layer.outputShape[2]),
          );
        }
      }
      expectSame(
        "the network read again",
        null,
        null,
        isDeepStrictEqual(modelFromKerasConfig(JSON.parse(text), options), network),
      );
      return network;
    },
    files: (text) => oneFile("config.json", text),
  });
}
