import { type Layer, MOBILENET_V2_ALPHAS, mobileNetV2 } from "@thaw/core";
import type { ExportedLayer } from "../exported-network.ts";
import { kerasLayer } from "../keras/layer-configs.ts";
import type { FileLayer } from "./file-layer.ts";

/** Fields that change no number of a prediction, and those that files write in several ways. */
const NO_MATTER = ["name", "trainable", "dtype", "momentum", "activation", "data_format", "axis", "padding"];

/** A pointwise convolution has the same windows with either padding. */
function samePadding(wanted: Readonly<Record<string, unknown>>, found: FileLayer): boolean {
  const { padding } = found.config;
  const isPointwise = `${wanted.kernel_size}` === "1,1" && `${wanted.strides}` === "1,1";
  return isPointwise || JSON.stringify(padding) === JSON.stringify(wanted.padding);
}

function sameActivation(wanted: Readonly<Record<string, unknown>>, { config }: FileLayer): boolean {
  return wanted.activation === undefined || (config.activation ?? "linear") === wanted.activation;
}

/** What is different about a layer of the file, or undefined. */
function difference(row: ExportedLayer, found: FileLayer | undefined): string | undefined {
  if (found === undefined) return `there is no layer "${row.name}"`;
  const { className, config } = kerasLayer(row);
  if (found.className !== className) return `"${row.name}" is a ${found.className}, expected ${className}`;
  for (const [key, value] of Object.entries(config)) {
    if (NO_MATTER.includes(key)) continue;
    const is = found.config[key];
    // A float32 that went through a file may have other digits.
    const close = typeof value === "number" && typeof is === "number" && Math.abs(value - is) <= 1e-6 * Math.abs(value);
    if (!close && JSON.stringify(is) !== JSON.stringify(value)) {
      return `"${row.name}" has ${key} ${JSON.stringify(is)}, expected ${JSON.stringify(value)}`;
    }
  }
  if (!samePadding(config, found)) return `"${row.name}" has padding ${JSON.stringify(found.config.padding)}`;
  if (!sameActivation(config, found)) return `"${row.name}" has activation ${JSON.stringify(found.config.activation)}`;
  const { axis = -1, data_format: format = "channels_last" } = found.config;
  if (!["-1", "3"].includes(`${axis}`)) return `"${row.name}" normalises axis ${JSON.stringify(axis)}`;
  if (format !== "channels_last") return `"${row.name}" is ${JSON.stringify(format)}`;
  const isInner = row.inputs.every((input) => input !== "input_layer");
  if (isInner && found.inputs.length > 0 && [...found.inputs].sort().join() !== [...row.inputs].sort().join()) {
    return `"${row.name}" reads ${found.inputs.join(", ")}, expected ${row.inputs.join(", ")}`;
  }
  return undefined;
}

/** Layers of the base that a file must have as they are: the input and the pooling bear other names. */
function innerLayers(alpha: number, imageSize: number): readonly Layer[] {
  const { layers } = mobileNetV2({ alpha, imageSize });
  return layers.filter(({ op }) => op.type !== "InputLayer" && op.type !== "GlobalAveragePooling2D");
}

/** Finds the MobileNetV2 that a file's layers are, or says what differs from the nearest. */
export function matchBase(
  layers: readonly FileLayer[],
  imageSize: number,
): { readonly alpha: number; readonly names: ReadonlySet<string> } | { readonly reason: string } {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  let nearest = { at: -1, reason: 'there is no layer "Conv1", the first of MobileNetV2' };
  for (const alpha of MOBILENET_V2_ALPHAS) {
    const rows = innerLayers(alpha, imageSize);
    const shapes = new Map(mobileNetV2({ alpha, imageSize }).layers.map((row) => [row.name, row.outputShape]));
    const reasons = rows.map((row) => {
      const inputShapes = row.inputs.map((input) => shapes.get(input) ?? []);
      return difference({ ...row, inputShapes, trainable: true, activation: "linear" }, byName.get(row.name));
    });
    const at = reasons.findIndex((reason) => reason !== undefined);
    if (at < 0) return { alpha, names: new Set(rows.map(({ name }) => name)) };
    // The width that fits furthest was meant.
    if (at > nearest.at && byName.has("Conv1")) nearest = { at, reason: reasons[at] ?? "" };
  }
  return { reason: nearest.reason };
}
