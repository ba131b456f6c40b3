import type { Layer } from "@thaw/core";

/** Neighbouring layers that a drawing of the network shows as one. */
export interface LayerGroup {
  /** In words: `block 13`. */
  readonly name: string;
  /** Short, for an axis: `13`. */
  readonly label: string;
  /** Index of its first layer. */
  readonly from: number;
  /** Index behind its last. */
  readonly to: number;
}

function nameOf(layer: Layer, before: string | undefined): { readonly name: string; readonly label: string } {
  const number = /^block_(\d+)_/.exec(layer.name)?.[1];
  if (number !== undefined) return { name: `block ${number}`, label: number };
  if (layer.name.startsWith("expanded_conv_")) return { name: "block 0", label: "0" };
  if (layer.op.type === "Dense" || layer.op.type === "Dropout") return { name: "head", label: "head" };
  return before === undefined || before === "stem" ? { name: "stem", label: "stem" } : { name: "top", label: "top" };
}

/** Groups a network's layers: stem, blocks, top, head. */
export function layerGroups(layers: readonly Layer[]): readonly LayerGroup[] {
  const groups: LayerGroup[] = [];
  for (const [index, layer] of layers.entries()) {
    const last = groups.at(-1);
    const { name, label } = nameOf(layer, last?.name);
    if (last?.name === name) groups[groups.length - 1] = { ...last, to: index + 1 };
    else groups.push({ name, label, from: index, to: index + 1 });
  }
  return groups;
}

/** The largest freeze count that a visitor can choose: all of the base but its pooling, which has no weights. */
export function largestFreeze(base: readonly Layer[]): number {
  return base.findLastIndex(({ weights }) => weights.length > 0) + 2; // with the ReLU behind the last normalization
}

/** Freeze counts at which no group is cut, ascending. */
export function freezeStops(base: readonly Layer[]): readonly number[] {
  const largest = largestFreeze(base);
  return [...layerGroups(base).map(({ from }) => from), largest];
}

/** The stop that is nearest to a count. */
export function nearestStop(stops: readonly number[], count: number): number {
  return stops.reduce((best, stop) => (Math.abs(stop - count) < Math.abs(best - count) ? stop : best), stops[0] ?? 0);
}

/** The next stop above or below a count; the count itself where there is none. */
export function nextStop(stops: readonly number[], count: number, direction: 1 | -1): number {
  const further = stops.filter((stop) => (stop - count) * direction > 0);
  return further.length === 0 ? count : nearestStop(further, count);
}
