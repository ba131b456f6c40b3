import { type HostTensor, type Layer, type LayerOp, type NamedTensors, ThawError } from "@thaw/core";
import type { Hdf5Dataset, Hdf5Group } from "./hdf5-library.ts";
import { addTensor } from "./tensor-names.ts";
import { weightsInvalid } from "./weights-error.ts";

/** A layer of a saved model, as its configuration lists it. */
export interface ConfiguredLayer {
  readonly name: string;
  readonly className: string;
  /** A nested model's layers. */
  readonly layers: readonly ConfiguredLayer[];
}

interface Holder {
  /** Group name: the class in snake case, numbered from the second on. */
  readonly key: string;
  /** Layer name, where this Keras recorded it. */
  readonly name: string | null;
  readonly variables: readonly Hdf5Dataset[];
  readonly group: Hdf5Group;
}

/** A model within the file: a group with a list of layers. */
interface Container {
  readonly path: string;
  readonly holders: readonly Holder[];
}

/** Keras 2.12 called the list of a model's layers `_layer_checkpoint_dependencies`, every later one `layers`. */
const LAYER_LISTS = ["layers", "_layer_checkpoint_dependencies"] as const;
const MAX_DEPTH = 16;
const MAX_GROUPS = 20_000;

/** Names of a layer's variables in the order in which Keras 3 numbers them. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  conv2d: ["kernel", "bias"],
  depthwise_conv2d: ["kernel", "bias"],
  dense: ["kernel", "bias"],
  batch_normalization: ["gamma", "beta", "moving_mean", "moving_variance"],
  normalization: ["mean", "variance", "count"],
};

/** Whether the file has the layout of Keras 3's `.weights.h5` (Keras 2.12 and later write it too). */
export function isV3H5(root: Hdf5Group): boolean {
  return LAYER_LISTS.some((list) => root.group(list) !== null) || root.group("vars") !== null;
}

/** @see keras.src.utils.naming.to_snake_case */
export function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

function numberedKey(key: string): { readonly className: string; readonly number: number } {
  const match = /^(.*?)_(\d+)$/.exec(key);
  return match === null ? { className: key, number: 0 } : { className: match[1] ?? "", number: Number(match[2]) };
}

function readHolder(key: string, group: Hdf5Group): Holder {
  const vars = group.group("vars");
  const variables: Hdf5Dataset[] = [];
  for (let index = 0; ; index++) {
    const dataset = vars?.dataset(`${index}`) ?? null;
    if (dataset === null) break;
    variables.push(dataset);
  }
  return { key, name: vars?.texts("name")?.[0] ?? null, variables, group };
}

/** All models in the file, the outermost first; what is no layer list (an optimizer's state, seeds) is no weight. */
function containersOf(
  group: Hdf5Group,
  where: string,
  path = "",
  depth = 0,
  visited: { groups: number } = { groups: 0 },
): Container[] {
  // A damaged file can link a group into itself.
  if (depth > MAX_DEPTH) throw weightsInvalid(where, `groups are nested deeper than ${MAX_DEPTH} at ${path}`);
  if (++visited.groups > MAX_GROUPS) throw weightsInvalid(where, `it has more than ${MAX_GROUPS} groups`);
  const found: Container[] = [];
  for (const key of group.keys()) {
    if (path === "" && (key === "optimizer" || key === "vars")) continue;
    const child = group.group(key);
    if (child === null || key === "vars" || key === "seed_generator") continue;
    const childPath = `${path}${key}`;
    if (LAYER_LISTS.some((list) => list === key)) {
      const holders = child.keys().flatMap((name) => {
        const layer = child.group(name);
        return layer === null ? [] : [readHolder(name, layer)];
      });
      found.push({ path: childPath, holders });
    }
    found.push(...containersOf(child, where, `${childPath}/`, depth + 1, visited));
  }
  return found;
}

/** The layers of one class, in the model's order. */
function ofClass(holders: readonly Holder[], className: string): Holder[] {
  return holders
    .filter((holder) => numberedKey(holder.key).className === className)
    .sort((first, second) => numberedKey(first.key).number - numberedKey(second.key).number);
}

interface NamedClass {
  readonly name: string;
  readonly className: string;
}

/** Pairs groups with layers of one class by order: Keras 2.12 leaves gaps in the numbers, so it is the rank that counts. */
function pairClass<T extends NamedClass>(
  container: Container,
  layers: readonly T[],
  className: string,
): readonly (readonly [Holder, T])[] | null {
  const inFile = ofClass(container.holders, className);
  const expected = layers.filter((layer) => layer.className === className);
  if (inFile.length !== expected.length) return null;
  return expected.map((layer, index) => [inFile[index] as Holder, layer] as const);
}

function namesFromConfig(containers: readonly Container[], model: readonly ConfiguredLayer[]): Map<Holder, string> {
  const names = new Map<Holder, string>();
  const visit = (path: string, configured: readonly ConfiguredLayer[]): void => {
    const container = containers.find((candidate) => candidate.path === path);
    if (container === undefined) return;
    const layers = configured.map(({ name, className, layers }) => ({ name, className: snakeCase(className), layers }));
    for (const className of new Set(layers.map((layer) => layer.className))) {
      for (const [holder, layer] of pairClass(container, layers, className) ?? []) {
        names.set(holder, layer.name);
        for (const list of LAYER_LISTS) visit(`${path}/${holder.key}/${list}`, layer.layers);
      }
    }
  };
  for (const list of LAYER_LISTS) visit(list, model);
  return names;
}

const CLASS_OF: Readonly<Partial<Record<LayerOp["type"], string>>> = {
  Conv2D: "conv2d",
  DepthwiseConv2D: "depthwise_conv2d",
  BatchNormalization: "batch_normalization",
  Dense: "dense",
};

function namesFromTable(containers: readonly Container[], table: readonly Layer[], where: string): Map<Holder, string> {
  const rows = table
    .filter(({ weights }) => weights.length > 0)
    .map(({ name, op }) => ({ name, className: CLASS_OF[op.type] ?? snakeCase(op.type) }));
  const classes = [...new Set(rows.map(({ className }) => className))];
  const fitting = containers
    .map((container) => classes.map((className) => pairClass(container, rows, className)))
    .filter((pairs): pairs is NonNullable<(typeof pairs)[number]>[] => pairs.every((pair) => pair !== null));
  if (fitting.length === 1 && classes.length > 0) {
    return new Map((fitting[0] ?? []).flat().map(([holder, row]) => [holder, row.name]));
  }
  const count = (className: string, holders: readonly { readonly className: string }[]): number =>
    holders.filter((holder) => holder.className === className).length;
  const found = containers.map(({ path, holders }) => {
    const keyed = holders.map(({ key }) => numberedKey(key));
    return `${path} has ${classes.map((name) => `${count(name, keyed)} ${name}`).join(", ")}`;
  });
  const expected = classes.map((name) => `${count(name, rows)} ${name}`).join(", ");
  throw new ThawError(
    "weights-unmappable",
    `${where}: the file names no layers, and ${fitting.length === 0 ? "none" : fitting.length} of its models fits the expected ${expected} (${found.join("; ") || "it has none"}).`,
    {
      hint: "Save the base network alone, or as .keras or .h5, or with Keras 3.6 or later, which record layer names.",
      details: { file: where, found },
    },
  );
}

/**
 * Reads the layout of Keras 3's `.weights.h5` (also inside `.keras`, and as Keras 2.12 and later wrote it), nested models included.
 * Groups are named by class (`layers/conv2d_3/vars/0`); layer names come from the file where its Keras recorded them,
 * else from `model`, else from the order within each class of `table`.
 * @returns tensors by `layer/weight`
 * @throws ThawError `weights-unmappable` if layers can be told apart by none of these; `weights-invalid`, `weights-dtype`, `weights-too-large`
 * @see keras/src/saving/saving_lib.py
 */
export function readV3H5(
  root: Hdf5Group,
  where: string,
  sources: { readonly model?: readonly ConfiguredLayer[]; readonly table?: readonly Layer[] },
): NamedTensors {
  const containers = containersOf(root, where);
  const holders = containers.flatMap((container) => container.holders).filter(({ variables }) => variables.length > 0);
  if (holders.length === 0) throw weightsInvalid(where, "it holds no weights of layers");
  let names = new Map<Holder, string>();
  if (holders.some(({ name }) => name === null)) {
    if (sources.model !== undefined) names = namesFromConfig(containers, sources.model);
    if (names.size === 0) names = namesFromTable(containers, sources.table ?? [], where);
  }

  const rows = new Map((sources.table ?? []).map((layer) => [layer.name, layer]));
  // Counters of preprocessing layers are integers; with a table it is known that nobody wants them.
  const isUnwanted = (dataset: Hdf5Dataset, layer: string): boolean =>
    rows.size > 0 && !dataset.isFloat32 && (rows.get(layer)?.op.type ?? "Normalization") === "Normalization";
  const tensors = new Map<string, HostTensor>();
  for (const holder of holders) {
    const layer = holder.name ?? names.get(holder) ?? holder.key;
    const known =
      rows.get(layer)?.weights.map((weight) => weight.name) ?? VARIABLES[numberedKey(holder.key).className] ?? [];
    const variables = holder.variables.filter((dataset) => !isUnwanted(dataset, layer));
    for (const [index, dataset] of variables.entries()) {
      const name = `${layer}/${variables.length > known.length ? index : known[index]}`;
      addTensor(tensors, name, { dtype: "float32", shape: dataset.shape, data: dataset.readFloat32(name) }, where);
    }
  }
  return tensors;
}
