import type { Layer } from "./layer.ts";

/**
 * Names of the layers whose outputs cross the cut before layer `index`: made below it, used at or above it.
 * @param index 0 (nothing is below) to `layers.length` (the output of the network crosses)
 */
export function liveAt(layers: readonly Layer[], index: number): readonly string[] {
  if (index >= layers.length) return layers.slice(-1).map((layer) => layer.name);
  const below = new Set(layers.slice(0, index).map((layer) => layer.name));
  const used = layers.slice(index).flatMap((layer) => layer.inputs.filter((input) => below.has(input)));
  return [...new Set(used)];
}
