import { ThawError } from "../error.ts";
import type { Spec } from "../spec/schema.ts";
import { ARCHITECTURES } from "./architectures.ts";
import { modelFromKerasConfig } from "./keras-config.ts";
import type { Layer, Model } from "./layer.ts";

/** A whole network: the pretrained base and the new head, one list of layers. */
export interface Network {
  readonly base: Model;
  /** Dropout (where asked for) and the classifier. */
  readonly head: readonly Layer[];
  /** Base and head in order. */
  readonly layers: readonly Layer[];
}

/** Configuration of a Keras functional model as parsed JSON, and the file that it came from. */
export interface KerasConfig {
  readonly file: string;
  readonly json: unknown;
}

function buildBase({ architecture, alpha = 1, imageSize, preprocessing }: Spec["model"], config?: KerasConfig): Model {
  if (architecture !== "keras") return ARCHITECTURES[architecture].build({ alpha, imageSize });
  if (config === undefined) throw new ThawError("internal", "The configuration of the network was not read.");
  return modelFromKerasConfig(config.json, { imageSize, preprocessing, where: config.file });
}

/**
 * Builds the network of a spec: base, then `Dense(classCount)` on the pooled features.
 * @param config what `model.config` names; there where the architecture is `keras`
 * @throws ThawError `model-config-invalid`, `model-unsupported`
 */
export function buildNetwork(model: Spec["model"], classCount: number, config?: KerasConfig): Network {
  const base = buildBase(model, config);
  const last = base.layers.at(-1);
  const features = last?.outputShape[0] ?? 0;
  const head: Layer[] = [];
  let input = last?.name ?? "";
  if (model.head.dropout > 0) {
    const op = { type: "Dropout", rate: model.head.dropout } as const;
    head.push({
      name: `${model.head.name}_dropout`,
      op,
      inputs: [input],
      outputShape: [features],
      weights: [],
      macs: 0,
    });
    input = `${model.head.name}_dropout`;
  }
  head.push({
    name: model.head.name,
    op: { type: "Dense" },
    inputs: [input],
    outputShape: [classCount],
    weights: [
      { name: "kernel", shape: [features, classCount], trainable: true },
      { name: "bias", shape: [classCount], trainable: true },
    ],
    macs: features * classCount,
  });
  return { base, head, layers: [...base.layers, ...head] };
}
