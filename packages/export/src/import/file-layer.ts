/** A layer as a Keras file has it, out of whatever models it is nested in. */
export interface FileLayer {
  readonly name: string;
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the layers that come in; empty where the file does not say (a Sequential). */
  readonly inputs: readonly string[];
  /** Numbers that come in beside tensors: what is divided by, what is taken away. */
  readonly numbers: readonly number[];
}

const MODELS = ["Functional", "Model", "Sequential"];
/** Deeper nesting is no model that a person made. */
const MAX_DEPTH = 16;

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A layer's output as Keras writes it: `["Conv1", 0, 0]`, with options behind it in Keras 2. */
function historyName(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length < 3) return undefined;
  const [name, node, tensor] = value;
  return typeof name === "string" && typeof node === "number" && typeof tensor === "number" ? name : undefined;
}

/** What comes in at a layer's first call. */
function inbound(value: unknown, names: string[], numbers: number[], depth = 0): void {
  if (depth > MAX_DEPTH * 4) return;
  const name = historyName(value);
  if (name !== undefined) {
    names.push(name);
    inbound((value as readonly unknown[])[3], names, numbers, depth + 1);
  } else if (typeof value === "number") numbers.push(value);
  else if (Array.isArray(value)) for (const item of value) inbound(item, names, numbers, depth + 1);
  else {
    const { class_name: className, config, ...rest } = record(value);
    if (className === "__keras_tensor__") inbound(record(config).keras_history, names, numbers, depth + 1);
    else for (const item of Object.values(rest)) inbound(item, names, numbers, depth + 1);
  }
}

/**
 * Every layer of a model and of the models nested in it, in the file's order.
 * @param model `{ class_name, config }` as Keras wrote it
 */
export function fileLayers(model: unknown, depth = 0): readonly FileLayer[] {
  if (depth > MAX_DEPTH) return [];
  const { layers } = record(record(model).config);
  if (!Array.isArray(layers)) return [];
  return layers.flatMap((layer: unknown): readonly FileLayer[] => {
    const { class_name: className, config, name, inbound_nodes: nodes } = record(layer);
    if (MODELS.includes(String(className))) return fileLayers(layer, depth + 1);
    const inputs: string[] = [];
    const numbers: number[] = [];
    if (Array.isArray(nodes)) inbound(nodes[0], inputs, numbers);
    const own = record(config);
    return [{ name: String(own.name ?? name), className: String(className), config: own, inputs, numbers }];
  });
}
