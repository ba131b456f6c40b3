import type { HostTensor, Layer, NamedTensors } from "@thaw/core";
import type { Hdf5Dataset, Hdf5Group } from "./hdf5-library.ts";
import { addTensor, splitVariablePath } from "./tensor-names.ts";
import { weightsInvalid } from "./weights-error.ts";

interface FileWeight {
  readonly weight: string;
  /** Layer in the variable's own path, where it has one. */
  readonly scope: string | null;
  readonly dataset: Hdf5Dataset;
}

interface FileLayer {
  readonly name: string;
  readonly weights: readonly FileWeight[];
}

/** Keras splits an attribute larger than HDF5's 64 KB into `name0`, `name1`, … */
function texts(group: Hdf5Group, attribute: string): readonly string[] | null {
  const whole = group.texts(attribute);
  if (whole !== null) return whole;
  const parts: string[] = [];
  for (let index = 0; ; index++) {
    const part = group.texts(`${attribute}${index}`);
    if (part === null) return index === 0 ? null : parts;
    parts.push(...part);
  }
}

/** Of a Normalization: how many batches its statistics are of, an integer. Nobody reads it. */
const COUNTER = "count";

/** The group that lists layers: the root of a weights-only file, `model_weights` of a whole model. */
function layersGroup(root: Hdf5Group): Hdf5Group | null {
  const candidates = [root.group("model_weights"), root];
  return candidates.find((group) => group !== null && texts(group, "layer_names") !== null) ?? null;
}

/** Whether the file has Keras's older layout: groups named by layer, listed in `layer_names`. */
export function isLegacyH5(root: Hdf5Group): boolean {
  return layersGroup(root) !== null;
}

function readLayers(root: Hdf5Group, where: string): FileLayer[] {
  const parent = layersGroup(root);
  if (parent === null) throw weightsInvalid(where, "it has no attribute layer_names");
  return (texts(parent, "layer_names") ?? []).map((name) => {
    const group = parent.group(name);
    const paths = group === null ? null : texts(group, "weight_names");
    if (group === null || paths === null) throw weightsInvalid(where, `layer "${name}" is listed but not there`);
    const weights = paths.map((path) => {
      const dataset = group.dataset(path);
      if (dataset === null) throw weightsInvalid(where, `weight "${path}" of layer "${name}" is listed but not there`);
      const { layer: scope, weight } = splitVariablePath(path);
      return { weight, scope, dataset };
    });
    return { name, weights: weights.filter(({ weight, dataset }) => weight !== COUNTER || dataset.isFloat32) };
  });
}

/**
 * A group is one layer, or a nested model whose layers show in the variables' paths. One scope that differs from the
 * group's name is a nested model if the table knows it, else a renamed layer (`Conv1_1/kernel:0` in group `Conv1`).
 */
function layerOf(layer: FileLayer, weight: FileWeight, known: ReadonlySet<string>): string {
  const scopes = new Set(layer.weights.map(({ scope }) => scope));
  const isNested = scopes.size > 1 || (weight.scope !== null && known.has(weight.scope) && !known.has(layer.name));
  return isNested && weight.scope !== null ? weight.scope : layer.name;
}

/** Keras loads these files by order, not by name; so do the oldest MobileNetV2 files (`mobl1_conv_1_expand`) need it. */
function namesByOrder(layers: readonly FileLayer[], table: readonly Layer[]): ReadonlyMap<FileLayer, string> | null {
  const inFile = layers.filter(({ weights }) => weights.length > 0);
  const inTable = table.filter(({ weights }) => weights.length > 0);
  if (inFile.length !== inTable.length) return null;
  const names = new Map<FileLayer, string>();
  for (const [index, layer] of inFile.entries()) {
    const row = inTable[index];
    const fits =
      row !== undefined &&
      row.weights.length === layer.weights.length &&
      row.weights.every(({ name, shape }, position) => {
        const found = layer.weights[position];
        return found?.weight === name && `${found.dataset.shape}` === `${shape}`;
      });
    if (!fits) return null;
    names.set(layer, row.name);
  }
  return names;
}

/**
 * Reads Keras's older HDF5 layout (Keras 1 to 3, `save_weights("x.h5")` and `save("x.h5")`), nested models included.
 * @param table the layers that are wanted; files with other names are then mapped by order, as Keras does, if every
 *   layer's weights and shapes fit
 * @returns tensors by `layer/weight`, and whether they were mapped by order
 * @throws ThawError `weights-invalid`, `weights-dtype`, `weights-too-large`
 * @see keras/src/legacy/saving/legacy_h5_format.py
 */
export function readLegacyH5(
  root: Hdf5Group,
  where: string,
  table: readonly Layer[] = [],
): { readonly tensors: NamedTensors; readonly byOrder: boolean } {
  const layers = readLayers(root, where);
  const known = new Set(table.filter(({ weights }) => weights.length > 0).map(({ name }) => name));
  const found = new Set(layers.flatMap((layer) => layer.weights.map((weight) => layerOf(layer, weight, known))));
  const isNamedAsTable = [...known].every((name) => found.has(name));
  const byOrder = isNamedAsTable ? null : namesByOrder(layers, table);

  const tensors = new Map<string, HostTensor>();
  for (const layer of layers) {
    for (const entry of layer.weights) {
      // Counters of preprocessing layers are integers; with a table it is known that nobody wants them.
      if (!entry.dataset.isFloat32 && known.size > 0 && !known.has(layerOf(layer, entry, known))) continue;
      const name = `${byOrder?.get(layer) ?? layerOf(layer, entry, known)}/${entry.weight}`;
      const data = entry.dataset.readFloat32(name);
      addTensor(tensors, name, { dtype: "float32", shape: entry.dataset.shape, data }, where);
    }
  }
  return { tensors, byOrder: byOrder !== null };
}
