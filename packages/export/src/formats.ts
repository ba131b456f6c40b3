import { ThawError, writeSafetensors } from "@thaw/core";
import type { ExportedNetwork } from "./exported-network.ts";
import { kerasArchive } from "./keras/archive.ts";
import { ONNX_INPUT, ONNX_OUTPUT, onnxModel } from "./onnx/model.ts";
import { tfjsLayersModel } from "./tfjs/layers-model.ts";

/** What is written beside the network. */
export interface FormatContext {
  readonly thawVersion: string;
  readonly date: Date;
}

/** A format that models are exported in. */
interface Format {
  /** Files by path; the first is the one to open. @throws ThawError `export-unsupported` */
  write(network: ExportedNetwork, context: FormatContext): Promise<ReadonlyMap<string, Uint8Array>>;
  /** How the file is opened, one line, with its inputs and outputs by name. */
  about(network: ExportedNetwork): string;
}

const inputLayer = ({ layers }: ExportedNetwork): string => layers[0]?.name ?? "";
const outputLayer = ({ layers }: ExportedNetwork): string => layers.at(-1)?.name ?? "";

/** A format's name. */
export type FormatName = "tfjs" | "keras" | "safetensors" | "onnx";

/** A line for each format. */
const FORMATS: Readonly<Record<FormatName, Format>> = {
  tfjs: {
    async write(network, { thawVersion }) {
      const files = tfjsLayersModel(network, `thaw ${thawVersion}`);
      return new Map([...files].map(([name, bytes]) => [`tfjs/${name}`, bytes]));
    },
    about: (network) =>
      `\`tf.loadLayersModel\` of TensorFlow.js; input \`${inputLayer(network)}\`, output \`${outputLayer(network)}\`: probabilities`,
  },
  keras: {
    write: async (network, { date }) => new Map([["model.keras", await kerasArchive(network, date)]]),
    about: (network) =>
      `\`keras.models.load_model\` of Keras 3; input \`${inputLayer(network)}\`, output \`${outputLayer(network)}\`: probabilities; not compiled; \`trainable\` as in the last phase of training`,
  },
  safetensors: {
    write: async ({ weights }) => new Map([["model.safetensors", writeSafetensors(weights)]]),
    about: () => "weights alone by Keras's names (`block_1_expand/kernel`), for any safetensors reader; no network",
  },
  onnx: {
    write: async (network, { thawVersion }) => new Map([["model.onnx", onnxModel(network, thawVersion)]]),
    about: () =>
      `any ONNX runtime, opset 17; input \`${ONNX_INPUT}\` [batch, height, width, 3], output \`${ONNX_OUTPUT}\` [batch, classes]; batches of any size`,
  },
};

/** Every format's name. */
export const FORMAT_NAMES: readonly FormatName[] = Object.keys(FORMATS) as FormatName[];

export function formatOf(name: FormatName): Format {
  return FORMATS[name];
}

/**
 * Reads a list of formats such as `keras,onnx`.
 * @throws ThawError `option-invalid`
 */
export function parseFormats(text: string): readonly FormatName[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  return names.map((name) => {
    const known = FORMAT_NAMES.find((format) => format === name);
    if (known !== undefined) return known;
    throw new ThawError("option-invalid", `There is no format "${name}".`, {
      hint: `Give some of ${FORMAT_NAMES.join(", ")}, separated by commas.`,
    });
  });
}
