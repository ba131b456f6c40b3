import type { Layer } from "../model/layer.ts";
import { type Evidence, noiseOf, type Reference, valuesOf } from "./evidence.ts";
import { findKinks, type Kink } from "./kinks.ts";
import { statisticsMeasures } from "./moving-statistics.ts";
import type { CurvePoint, Measure, RungResult } from "./report.ts";
import { GRADIENT_TOLERANCE, KINK_TOLERANCE } from "./tolerances.ts";
import { cosine, distance, norm } from "./vectors.ts";
import { type Subject, verdictOf } from "./verdict.ts";

const layerOf = (tensor: string): string => tensor.slice(0, tensor.lastIndexOf("/"));

/** 0 where two are the same, 1 where not. */
function same(at: Measure["at"], what: string, equal: boolean): Measure {
  return { at, what, value: equal ? 0 : 1, bound: 0 };
}

/** The same tensors train, and nothing that is frozen moved: exact. */
function frozenMeasures({ outcome }: Evidence, { exact }: Reference): Measure[] {
  const expected = exact.outcome.trace?.trained ?? [];
  const found = outcome.trace?.trained ?? [];
  const odd = [
    ...found.filter((name) => !expected.includes(name)),
    ...expected.filter((name) => !found.includes(name)),
  ];
  const { before, after } = outcome.digests.frozen;
  return [
    same(
      { step: 1, ...(odd[0] === undefined ? {} : { tensor: odd[0] }) },
      "tensors that got a gradient",
      odd.length === 0,
    ),
    same({ tensor: "frozen weights" }, "SHA-256 before and after", before === after),
    same({ tensor: "frozen weights" }, "SHA-256 against the reference's", after === exact.outcome.digests.frozen.after),
  ];
}

/** Relative L2 error of one gradient against float64; of one that is zero in exact arithmetic, its norm. */
function errorOf(found: ArrayLike<number>, reference: ArrayLike<number>): { error: number; zero: boolean } {
  const length = norm(reference);
  const zero = length < GRADIENT_TOLERANCE.floor;
  return { error: zero ? norm(found) : distance(found, reference) / length, zero };
}

function gradientMeasures(
  runner: Evidence,
  reference: Reference,
  layers: readonly Layer[],
  kinks: readonly Kink[],
): Measure[] {
  const highest = Math.max(-1, ...kinks.map(({ index }) => index));
  const positions = new Map(layers.map(({ name }, index) => [name, index]));
  const positionOf = (tensor: string): number => positions.get(layerOf(tensor)) ?? 0;
  const { trained = [] } = reference.exact.outcome.trace ?? {};
  return [...trained]
    .sort((a, b) => positionOf(b) - positionOf(a))
    .flatMap((tensor) => {
      const key = `gradients/${tensor}`;
      const exact = valuesOf(reference.exact.firstStep, key) ?? [];
      const found = valuesOf(runner.firstStep, key) ?? [];
      const { error, zero } = errorOf(found, exact);
      const noise = noiseOf(reference, ({ firstStep }) => errorOf(valuesOf(firstStep, key) ?? [], exact).error);
      const at = { step: 1, tensor };
      if (zero) {
        const bound = Math.max(GRADIENT_TOLERANCE.floor, GRADIENT_TOLERANCE.multiple * noise);
        return [{ at, what: "norm of a gradient that is zero", value: error, bound }];
      }
      const gate = positionOf(tensor) <= highest ? KINK_TOLERANCE.gradient : GRADIENT_TOLERANCE.gate;
      const bound = Math.max(gate, GRADIENT_TOLERANCE.multiple * noise);
      // For an error e of the length, 1 - cosine is about e²/2 at most.
      const angle = Math.max(1 - GRADIENT_TOLERANCE.cosine, bound ** 2);
      return [
        { at, what: "relative L2 error of the gradient", value: error, bound },
        { at, what: "1 - cosine of the gradient", value: 1 - cosine(found, exact), bound: angle },
      ];
    });
}

/**
 * Rung L3: the gradients of the first step against float64, what it did to moving statistics, and that it left alone
 * what is frozen. From the last layer down, as the backward pass goes.
 */
export function judgeGradients(
  runner: Evidence,
  reference: Reference,
  { layers, runner: name, depth }: Subject,
): RungResult {
  const kinks = findKinks(runner, reference.exact, layers);
  const gradients = gradientMeasures(runner, reference, layers, kinks);
  const statistics = statisticsMeasures(runner, reference, layers);
  const measures = [...frozenMeasures(runner, reference), ...gradients, ...statistics];
  const curve: CurvePoint[] = gradients
    .filter(({ what }) => what.startsWith("relative"))
    .map(({ at, value, bound }) => ({ name: at.tensor ?? "", value, bound }));
  const top = kinks.at(-1);
  const where = kinks.map(({ layer, crossings }) => `${layer} (${crossings})`).join(", ");
  const note =
    top === undefined
      ? {}
      : { note: `Rounding carried values across a kink of ${where}; gradients at and below ${top.layer} may jump.` };
  return verdictOf({ rung: "L3", runner: name, depth }, measures, { curve, ...note });
}
