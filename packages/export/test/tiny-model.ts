import {
  buildNetwork,
  FORMATS,
  initialWeights,
  parseSpec,
  type SavedModel,
  sha256,
  writeSafetensors,
} from "@thaw/core";

/** A saved model of a small MobileNetV2 with fresh weights, as if it had been imported. */
export async function tinyModel(dropout = 0.2): Promise<SavedModel> {
  const { model } = parseSpec({
    version: 1,
    name: "tiny",
    model: { alpha: 0.35, imageSize: 32, weights: "random", head: { dropout } },
    data: { kind: "folder", path: "none" },
  });
  const classes = ["boots", "sandals", "sneakers"];
  const layers = buildNetwork(model, classes.length).layers;
  const weights = new Map(layers.flatMap((layer) => [...initialWeights(layer, 1)]));
  return {
    record: {
      version: FORMATS.savedModel.version,
      thawVersion: "0.0.0",
      finishedAt: "2026-11-26T00:00:00.000Z",
      imported: { file: "tiny.keras", sha256: "0".repeat(64), format: "keras-zip", leftOut: ["flip: while training"] },
      spec: { model, data: { resize: "crop" } },
      data: { classes },
      digests: { final: await sha256(writeSafetensors(weights)) },
    },
    weights,
  };
}
