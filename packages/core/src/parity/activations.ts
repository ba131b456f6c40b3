import type { Layer } from "../model/layer.ts";
import { type Evidence, noiseOf, type Reference, valuesOf } from "./evidence.ts";
import type { CurvePoint, Measure, RungResult } from "./report.ts";
import { ACTIVATION_TOLERANCE } from "./tolerances.ts";
import { rmse } from "./vectors.ts";
import { type Subject, verdictOf } from "./verdict.ts";

/** What rounding may do to a layer's output: a multiple of what it does to the reference's. */
function boundOf(size: number, referenceError: number): number {
  const { multiple, smallMultiple, smallSize, absolute } = ACTIVATION_TOLERANCE;
  return (size < smallSize ? smallMultiple : multiple) * referenceError + absolute;
}

const CONVOLUTIONS: readonly string[] = ["Conv2D", "DepthwiseConv2D"];

/**
 * What a runner may compute together with the layer behind it, its only reader: a batch normalization with a ReLU, a
 * convolution with a batch normalization, a padding with a convolution. Nothing else may be missing.
 */
function isFusable({ name, op }: Layer, layers: readonly Layer[]): boolean {
  const readers = layers.filter(({ inputs }) => inputs.includes(name));
  const next = readers.length === 1 ? readers[0]?.op.type : undefined;
  if (next === undefined) return false;
  if (op.type === "BatchNormalization") return next === "ReLU";
  if (CONVOLUTIONS.includes(op.type)) return next === "BatchNormalization";
  return op.type === "ZeroPadding2D" && CONVOLUTIONS.includes(next);
}

function measuresOf(layer: string, runner: Evidence, reference: Reference): Measure[] {
  const key = `activations/${layer}`;
  const exact = valuesOf(reference.exact.firstStep, key) ?? [];
  const errorOf = ({ firstStep }: Evidence): number => rmse(valuesOf(firstStep, key) ?? [], exact);
  const noise = noiseOf(reference, errorOf);
  const at = { step: 1, layer };
  const nonFinite = valuesOf(runner.firstStep, `summary/${layer}`)?.[3] ?? Number.NaN;
  return [
    { at, what: "values that are not finite", value: nonFinite, bound: 0 },
    {
      at,
      what: "rmse of the layer's output",
      value: errorOf(runner),
      bound: boundOf(exact.length, noise),
    },
  ];
}

/**
 * Rung L2: every layer's output on the first batch, in training mode, against float64. A layer that the runner never
 * stores, because it fuses it with the next, is judged by the next.
 */
export function judgeActivations(runner: Evidence, reference: Reference, subject: Subject): RungResult {
  const { layers, runner: name, depth } = subject;
  const measures: Measure[] = [];
  const curve: CurvePoint[] = [];
  let fused = 0;
  for (const layer of layers) {
    const stored = runner.firstStep.has(`activations/${layer.name}`);
    if (!stored && isFusable(layer, layers)) {
      fused += 1;
      continue;
    }
    const ofLayer = measuresOf(layer.name, runner, reference);
    measures.push(...ofLayer);
    const error = ofLayer.at(-1);
    if (error !== undefined) curve.push({ name: layer.name, value: error.value, bound: error.bound });
  }
  const note =
    fused === 0 ? {} : { note: `${fused} layers are computed together with the one behind them and judged by it.` };
  return verdictOf({ rung: "L2", runner: name, depth }, measures, { curve, ...note });
}
