import type { PhaseSummary } from "@thaw/core";

/** What trains in one phase, in words. */
export interface TrainingWords {
  /** `first 100 layers frozen` */
  readonly frozen: string;
  /** `trains block_11_depthwise … head` */
  readonly trains: string;
  /** `1.87 M of 2.26 M weights, 56 tensors` */
  readonly weights: string;
  /** `BN: 18 batch-stats, 34 inference` */
  readonly batchNorm: string;
}

/** A count in three digits: `2.26 M`, `12 k`, `3843`. */
export function countText(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(0)} k` : String(value);
}

function frozenText(freeze: PhaseSummary["freeze"]): string {
  if (typeof freeze === "number") return freeze === 0 ? "nothing frozen" : `first ${freeze} layers frozen`;
  return typeof freeze === "string" ? `frozen up to ${freeze}` : "frozen by rules";
}

/** Says what trains: never a bare number of frozen layers, which is too easily read upside down. */
export function trainingWords({ layers, trainable, freeze }: PhaseSummary): TrainingWords {
  const withWeights = layers.filter((layer) => layer.trainableParams > 0);
  const first = withWeights[0]?.name ?? "nothing";
  const last = withWeights.at(-1)?.name ?? "nothing";
  const norms = layers.filter((layer) => layer.batchNormMode !== null);
  const batchStats = norms.filter((layer) => layer.batchNormMode === "batch-stats").length;
  const total = layers.reduce((sum, layer) => sum + layer.params, 0);
  return {
    frozen: frozenText(freeze),
    trains: `trains ${withWeights.length === 1 ? `${first} alone` : `${first} … ${last}`}`,
    weights: `${countText(trainable.params)} of ${countText(total)} weights, ${trainable.tensors} tensors`,
    batchNorm: `BN: ${batchStats} batch-stats, ${norms.length - batchStats} inference`,
  };
}
