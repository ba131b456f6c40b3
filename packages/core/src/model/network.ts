import type { Spec } from "../spec/schema.ts";
import type { Layer, Model } from "./layer.ts";
import { mobileNetV2 } from "./mobilenet-v2.ts";

/** A whole network: the pretrained base and the new head, one list of layers. */
export interface Network {
  readonly base: Model;
  /** Dropout (where asked for) and the classifier. */
  readonly head: readonly Layer[];
  /** Base and head in order. */
  readonly layers: readonly Layer[];
}

/** Builds the network of a spec: base, then `Dense(classCount)` on the pooled features. */
export function buildNetwork(model: Spec["model"], classCount: number): Network {
  const base = mobileNetV2({ alpha: model.alpha, imageSize: model.imageSize });
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
