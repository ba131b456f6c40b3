import { clipped } from "../clipped.ts";
import { ThawError } from "../error.ts";
import { type Layer, parameterCount, sizeOf } from "../model/layer.ts";
import { nearest } from "../spec/known-keys.ts";
import { type NamePattern, namePattern } from "../spec/name-pattern.ts";
import type { FreezePolicy } from "../spec/schema.ts";

/** How a layer normalises while training; null for layers that are no batch normalization. */
export type BatchNormMode = "batch-stats" | "inference" | null;

/** What happens to one layer during training. */
export interface LayerTreatment {
  readonly name: string;
  readonly type: Layer["op"]["type"];
  /** Whether its weights train. */
  readonly trainable: boolean;
  /** Factor on the learning rate; 1 unless a rule says otherwise, 0 when frozen. */
  readonly lrMultiplier: number;
  readonly batchNormMode: BatchNormMode;
  /** Whether a dropout of the base passes everything on: with `batchNorm: "inference-all"`, as `base(x, training=False)`. */
  readonly dropoutMode?: "inference";
  /** All weights of the layer. */
  readonly params: number;
  /** Weights that train. */
  readonly trainableParams: number;
}

/** The BN fields of a spec that decide a layer's mode. */
export interface BatchNormPolicy {
  readonly frozenBatchNorm: "inference" | "batch-stats";
  readonly batchNorm: "keras" | "inference-all";
}

function nameList(names: readonly string[]): string {
  return names.length === 0 ? "" : ` Nearest layer names: ${names.join(", ")}.`;
}

/** Position of each layer as freeze counts have it, in Keras's `model.layers`; null for an operation between layers. */
export function countedPositions(layers: readonly Layer[]): readonly (number | null)[] {
  let next = 0;
  return layers.map(({ operation }) => {
    if (operation === true) return null;
    next += 1;
    return next - 1;
  });
}

/** Multiplier per layer from a count of frozen layers, `layers[:count].trainable = False`. */
function byCount(count: number, base: readonly Layer[]): readonly number[] {
  const positions = countedPositions(base);
  const most = positions.filter((position) => position !== null).length;
  if (count > most) {
    throw new ThawError("freeze-invalid", `freeze: ${count} layers cannot be frozen, the network has ${most}.`, {
      hint: `Use a count from 0 (everything trains) to ${most} (only the head trains).`,
    });
  }
  // An operation goes with the layer below it: it has nothing that could train.
  let below = 0;
  return positions.map((position) => {
    below = position ?? below;
    return below < count ? 0 : 1;
  });
}

function byName(name: string, base: readonly Layer[]): readonly number[] {
  const index = base.findIndex((layer) => layer.name === name);
  if (index < 0) {
    const names = base.map((layer) => layer.name);
    throw new ThawError(
      "freeze-invalid",
      `freeze: there is no layer "${clipped(name)}".${nameList(nearest(name, names, 3))}`,
      {
        hint: "`thaw layers SPEC` lists the layers; the named layer is the first that trains.",
      },
    );
  }
  return base.map((_, position) => (position < index ? 0 : 1));
}

function rulePattern(pattern: string, index: number): NamePattern {
  try {
    return namePattern(`^(?:${pattern})$`);
  } catch (cause) {
    throw new ThawError("freeze-invalid", `freeze.${index}.layers: "${clipped(pattern)}" is no regular expression.`, {
      hint: `${clipped((cause as Error).message)}; lookarounds and back references are not known: earlier rules win instead.`,
    });
  }
}

/** First match wins, every layer must be covered, and a rule that decides nothing is an error. */
function byRules(rules: Extract<FreezePolicy, readonly unknown[]>, layers: readonly Layer[]): readonly number[] {
  const patterns = rules.map((rule, index) => rulePattern(rule.layers, index));
  const wins = rules.map(() => 0);
  const multipliers = layers.map((layer) => {
    const index = patterns.findIndex((pattern) => pattern.test(layer.name));
    const rule = rules[index];
    if (rule === undefined) {
      throw new ThawError("freeze-invalid", `freeze: no rule covers layer "${clipped(layer.name)}".`, {
        hint: 'End the list with { "layers": ".*", "train": true } or false.',
      });
    }
    wins[index] = (wins[index] ?? 0) + 1;
    return "train" in rule ? Number(rule.train) : rule.lrMultiplier;
  });
  const idle = wins.indexOf(0);
  if (idle >= 0) {
    const pattern = rules[idle]?.layers ?? "";
    const near = nearest(
      pattern.replaceAll(/[^A-Za-z0-9_]/g, ""),
      layers.map((layer) => layer.name),
      3,
    );
    const shadowed = layers.some((layer) => patterns[idle]?.test(layer.name));
    const why = shadowed ? "only matches layers that earlier rules have taken" : "matches no layer";
    throw new ThawError("freeze-invalid", `freeze.${idle}.layers: "${clipped(pattern)}" ${why}.${nameList(near)}`, {
      hint: "Patterns must match a whole layer name; earlier rules win.",
    });
  }
  return multipliers;
}

function batchNormMode(layer: Layer, trainable: boolean, policy: BatchNormPolicy): BatchNormMode {
  if (layer.op.type !== "BatchNormalization") return null;
  if (policy.batchNorm === "inference-all") return "inference";
  return trainable ? "batch-stats" : policy.frozenBatchNorm === "inference" ? "inference" : "batch-stats";
}

function isPassedOn({ op }: Layer, isBase: boolean, { batchNorm }: BatchNormPolicy): boolean {
  return op.type === "Dropout" && isBase && batchNorm === "inference-all";
}

/**
 * Resolves a freeze policy to a row per layer, base and head.
 * @param base the pretrained layers that counts and names refer to, in Keras's order
 * @param head layers after them; a count or a name never freezes these, rules may
 * @throws ThawError `freeze-invalid` that names the nearest layers
 * @see keras.layers.Layer.trainable: a frozen BatchNormalization runs in inference mode
 */
export function resolveFreeze(
  policy: FreezePolicy,
  base: readonly Layer[],
  head: readonly Layer[],
  batchNorm: BatchNormPolicy,
): readonly LayerTreatment[] {
  const layers = [...base, ...head];
  const ofHead = head.map(() => 1);
  const multipliers =
    typeof policy === "number"
      ? [...byCount(policy, base), ...ofHead]
      : typeof policy === "string"
        ? [...byName(policy, base), ...ofHead]
        : byRules(policy, layers);
  return layers.map((layer, index): LayerTreatment => {
    const lrMultiplier = multipliers[index] ?? 0;
    const trainable = lrMultiplier > 0;
    const trainableWeights = trainable ? layer.weights.filter((weight) => weight.trainable) : [];
    return {
      name: layer.name,
      type: layer.op.type,
      trainable,
      lrMultiplier,
      batchNormMode: batchNormMode(layer, trainable, batchNorm),
      ...(isPassedOn(layer, index < base.length, batchNorm) ? { dropoutMode: "inference" } : {}),
      params: parameterCount(layer),
      trainableParams: trainableWeights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0),
    };
  });
}

/** Tensors and weights that train. */
export interface TrainableCount {
  readonly tensors: number;
  readonly params: number;
}

/** Counts what trains, as Keras's `trainable_weights`. */
export function countTrainable(layers: readonly Layer[], treatments: readonly LayerTreatment[]): TrainableCount {
  const trained = layers.flatMap((layer, index) =>
    treatments[index]?.trainable ? layer.weights.filter((weight) => weight.trainable) : [],
  );
  return { tensors: trained.length, params: trained.reduce((sum, weight) => sum + sizeOf(weight.shape), 0) };
}
