import {
  type BatchNormPolicy,
  countTrainable,
  type LayerTreatment,
  type Network,
  parameterCount,
  planPass,
  resolveFreeze,
  stepCost,
} from "@thaw/core";
import { largestFreeze } from "./layer-groups.ts";

/** What a freeze count means for a network. */
export interface FreezeSummary {
  readonly count: number;
  /** Layers that can be frozen. */
  readonly of: number;
  readonly treatments: readonly LayerTreatment[];
  /** The first layer whose weights train. */
  readonly firstTrained: string;
  /** The last layer with weights that are frozen; null where none is. */
  readonly lastFrozen: string | null;
  readonly trainedParams: number;
  readonly allParams: number;
  readonly trainedTensors: number;
  /** Batch normalizations by the statistics of each batch, and by their moving ones. */
  readonly batchStats: number;
  readonly inference: number;
  /** Work of a step, as part of that with nothing frozen: 0…1, before what is kept of frozen layers is counted. */
  readonly stepShare: number;
}

function macsOf({ layers }: Network, treatments: readonly LayerTreatment[]): number {
  return stepCost(planPass(layers, treatments)).stepMacs;
}

/** Resolves a freeze count as core does, and counts. */
export function summarizeFreeze(network: Network, count: number, policy: BatchNormPolicy): FreezeSummary {
  const resolve = (freeze: number): readonly LayerTreatment[] =>
    resolveFreeze(freeze, network.base.layers, network.head, policy);
  const treatments = resolve(count);
  const trainable = countTrainable(network.layers, treatments);
  const modes = treatments.map(({ batchNormMode }) => batchNormMode);
  return {
    count,
    of: largestFreeze(network.base.layers),
    treatments,
    firstTrained: treatments.find(({ trainableParams }) => trainableParams > 0)?.name ?? "",
    lastFrozen: treatments.findLast(({ trainable: trains, params }) => !trains && params > 0)?.name ?? null,
    trainedParams: trainable.params,
    allParams: network.layers.reduce((sum, layer) => sum + parameterCount(layer), 0),
    trainedTensors: trainable.tensors,
    batchStats: modes.filter((mode) => mode === "batch-stats").length,
    inference: modes.filter((mode) => mode === "inference").length,
    stepShare: macsOf(network, treatments) / macsOf(network, resolve(0)),
  };
}

/** A count of weights as a person reads it: `1.87 M`. */
export function shortCount(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} M`;
  if (count >= 1e4) return `${Math.round(count / 1e3)} k`;
  return count.toLocaleString("en");
}

/** What is frozen and what trains, in a sentence that never is a bare number. */
export function freezeSentence(summary: FreezeSummary): string {
  const { count, of, firstTrained, lastFrozen } = summary;
  if (lastFrozen === null) return `Nothing is frozen: everything from ${firstTrained} to the head trains.`;
  if (count === of) return `All ${of} pretrained layers are frozen: the head alone trains.`;
  return `The first ${count} of ${of} layers are frozen, up to ${lastFrozen}. ${firstTrained} is the first that trains.`;
}
