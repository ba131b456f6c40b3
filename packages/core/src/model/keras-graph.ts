import { z } from "zod";
import { clipped, shownValue } from "../clipped.ts";
import { ThawError } from "../error.ts";

/** One entry of a functional model's configuration: a layer, or an operation on tensors. */
export interface GraphNode {
  readonly name: string;
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the entries whose outputs come in. */
  readonly inputs: readonly string[];
  /** Numbers that stand beside the inputs, as in `x + 3`. */
  readonly constants: readonly number[];
  /** Whether it is no layer but one of `keras.ops`. */
  readonly isOperation: boolean;
}

/** A functional model as its configuration lists it, in the order of Keras's `model.layers`. */
export interface KerasGraph {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly output: string;
  /** Whether Keras 2 (tf.keras up to 2.15) wrote it, where some names mean other things. */
  readonly isKeras2: boolean;
}

const reference = z.tuple([z.string(), z.number(), z.number()]).rest(z.unknown());

const document = z.object({
  class_name: z.string(),
  config: z.object({
    name: z.string().default("model"),
    layers: z.array(
      z.object({
        module: z.string().optional(),
        class_name: z.string(),
        name: z.string().optional(),
        config: z.record(z.string(), z.unknown()),
        inbound_nodes: z.array(z.unknown()).default([]),
      }),
    ),
    input_layers: z.array(z.unknown()).default([]),
    output_layers: z.array(z.unknown()).default([]),
  }),
});

const SAVE_HINT =
  'Save a functional model: `open("config.json", "w").write(keras.Model(x, y).to_json())`, or a .keras.';

/** A tensor in a call's arguments: `[layer, node, output]`. */
function historyOf(value: unknown): readonly unknown[] | undefined {
  const parsed = z
    .object({ class_name: z.literal("__keras_tensor__"), config: z.object({ keras_history: reference }) })
    .safeParse(value);
  return parsed.success ? parsed.data.config.keras_history : undefined;
}

/** Keras writes a single layer as `[name, 0, 0]`, several as a list of those. */
function referencesOf(value: readonly unknown[]): readonly string[] {
  const single = reference.safeParse(value);
  if (single.success) return [single.data[0]];
  return value.flatMap((entry) => {
    const parsed = reference.safeParse(entry);
    return parsed.success ? [parsed.data[0]] : [];
  });
}

interface Call {
  readonly inputs: string[];
  readonly constants: number[];
  /** What is neither. */
  readonly other: string[];
}

function collectArguments(value: unknown, call: Call): void {
  const history = historyOf(value);
  if (history !== undefined) {
    call.inputs.push(String(history[0]));
    if (history[1] !== 0 || history[2] !== 0) call.other.push("an output other than a layer's first");
  } else if (Array.isArray(value)) for (const entry of value) collectArguments(entry, call);
  else if (typeof value === "number") call.constants.push(value);
  else if (value !== null && value !== undefined) call.other.push(shownValue(value, 60));
}

/** One call of a layer: Keras 3 has `{ args, kwargs }`, Keras 2 a list of `[layer, node, output, kwargs]`. */
function readCall(node: unknown): Call {
  const call: Call = { inputs: [], constants: [], other: [] };
  const noteKeywords = (keywords: unknown): void => {
    for (const [key, value] of Object.entries(z.record(z.string(), z.unknown()).catch({}).parse(keywords))) {
      // Keras 3 notes what held while the graph was drawn; how the model is called goes before it.
      const isNote = key === "training" && value === false && !Array.isArray(node);
      if (value !== null && !isNote) call.other.push(clipped(`${key}=${shownValue(value)}`));
    }
  };
  if (!Array.isArray(node)) {
    const { args, kwargs } = z.object({ args: z.unknown(), kwargs: z.unknown() }).parse(node);
    collectArguments(args, call);
    noteKeywords(kwargs);
    return call;
  }
  const entries = typeof node[0] === "string" ? [node] : node;
  for (const entry of entries) {
    const [name, , , keywords] = reference.parse(entry);
    call.inputs.push(name);
    noteKeywords(keywords);
  }
  return call;
}

/**
 * Reads the graph of a Keras functional model's configuration, as Keras 3 and Keras 2 write it (`model.to_json()`, or
 * `config.json` in a `.keras` archive).
 * @param where what messages call it
 * @throws ThawError `model-config-invalid` for what is no such configuration, `model-unsupported` for layers that are
 *   called twice or with arguments
 */
export function readKerasGraph(json: unknown, where: string): KerasGraph {
  const parsed = document.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const what = `${where} is no configuration of a Keras functional model: ${clipped(`${issue?.path.map(String).join(".")}: ${issue?.message}`)}.`;
    throw new ThawError("model-config-invalid", what, { hint: SAVE_HINT });
  }
  const { class_name: kind, config } = parsed.data;
  if (kind !== "Functional" && kind !== "Model") {
    throw new ThawError("model-unsupported", `${where} holds a ${clipped(kind)}; supported is a Functional model.`, {
      hint: "Of a Sequential model make one by keras.Model(model.inputs, model.outputs).",
    });
  }
  const isKeras2 = config.layers.some(({ inbound_nodes: nodes }) => Array.isArray(nodes[0]));
  const nodes = config.layers.map((entry): GraphNode => {
    const name = entry.name ?? String(entry.config.name ?? "");
    const label = `${where}: layer "${clipped(name)}" (${clipped(entry.class_name)})`;
    if (entry.inbound_nodes.length > 1) {
      throw new ThawError("model-unsupported", `${label} is called ${entry.inbound_nodes.length} times.`, {
        hint: "Supported are layers that are called once; give each call a layer of its own.",
      });
    }
    let call: Call;
    try {
      call =
        entry.inbound_nodes.length === 0 ? { inputs: [], constants: [], other: [] } : readCall(entry.inbound_nodes[0]);
    } catch (cause) {
      throw new ThawError("model-config-invalid", `${label} has inbound_nodes of an unknown form.`, {
        hint: SAVE_HINT,
        cause,
      });
    }
    if (call.other.length > 0) {
      throw new ThawError("model-unsupported", `${label} is called with ${clipped(call.other.join(", "))}.`, {
        hint: "Supported are calls with nothing but the tensors before it; how a layer runs is for the spec to say.",
      });
    }
    const { inputs, constants } = call;
    const isOperation = entry.module?.startsWith("keras.src.ops") === true || entry.module === "keras.ops";
    return { name, className: entry.class_name, config: entry.config, inputs, constants, isOperation };
  });
  const [inputs, outputs] = [referencesOf(config.input_layers), referencesOf(config.output_layers)];
  const [output] = outputs;
  if (inputs.length !== 1 || outputs.length !== 1 || output === undefined) {
    throw new ThawError(
      "model-unsupported",
      `${where} has ${inputs.length} inputs and ${outputs.length} outputs; supported is one of each.`,
      { hint: "Cut the part that you want out of it: keras.Model(model.input, model.get_layer(NAME).output)." },
    );
  }
  return { name: config.name, nodes, output, isKeras2 };
}
