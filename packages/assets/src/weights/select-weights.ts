import { type HostTensor, type Layer, type NamedTensors, type NamePattern, namePattern, ThawError } from "@thaw/core";

/** How tensors are chosen from a file. */
export interface SelectOptions {
  /** What error messages call the file. */
  readonly where: string;
  /** Regular expressions of tensors in the file that may be there without being wanted. */
  readonly ignore?: readonly string[];
}

const MAX_LISTED = 20;

function compile(pattern: string, where: string): NamePattern {
  try {
    return namePattern(pattern);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ThawError(
      "weights-ignore-invalid",
      `${where}: "${pattern}" in ignore is no regular expression (${reason}).`,
      {
        hint: 'Write regular expressions over tensor names, such as "^dense/", without lookarounds and back references.',
        cause,
      },
    );
  }
}

function list(what: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const shown = items.slice(0, MAX_LISTED).join(", ");
  const more = items.length > MAX_LISTED ? `, and ${items.length - MAX_LISTED} more` : "";
  return [`${items.length} ${what}: ${shown}${more}`];
}

/** Patterns that cover these tensors, a layer each. */
function ignoring(extra: readonly string[]): string {
  const layers = [...new Set(extra.map((name) => name.split("/")[0]))];
  return layers.map((layer) => `"^${layer}/"`).join(", ");
}

function firstNonFinite(tensor: HostTensor): number | null {
  const at = tensor.data.findIndex((value) => !Number.isFinite(value));
  return at < 0 ? null : at;
}

/** What is wrong with one tensor, or null. */
function flawOf(
  name: string,
  shape: readonly number[],
  tensor: HostTensor,
): { kind: "shape" | "dtype" | "value"; text: string } | null {
  if (tensor.dtype !== "float32") return { kind: "dtype", text: `${name} (${tensor.dtype})` };
  if (`${tensor.shape}` !== `${shape}`) {
    return { kind: "shape", text: `${name} (expected [${shape.join(", ")}], found [${tensor.shape.join(", ")}])` };
  }
  const at = firstNonFinite(tensor);
  return at === null ? null : { kind: "value", text: `${name} (${tensor.data[at]} at element ${at})` };
}

/**
 * Picks exactly the weights of a layer table from a file's tensors.
 * @returns float32 tensors by `layer/weight`, in table order; depthwise kernels `[height, width, channels, 1]`
 * @throws ThawError `weights-mismatch`, one error that lists everything missing, extra, of wrong shape, of wrong type or
 *   not finite (up to 20 each, with the count); `weights-ignore-invalid`
 */
export function selectWeights(tensors: NamedTensors, layers: readonly Layer[], options: SelectOptions): NamedTensors {
  const { where } = options;
  const ignore = (options.ignore ?? []).map((pattern) => compile(pattern, where));
  const selected = new Map<string, HostTensor>();
  const missing: string[] = [];
  const flaws = { shape: [] as string[], dtype: [] as string[], value: [] as string[] };
  const wanted = new Set<string>();
  for (const layer of layers) {
    for (const { name: weight, shape } of layer.weights) {
      const name = `${layer.name}/${weight}`;
      wanted.add(name);
      const tensor = tensors.get(name);
      if (tensor === undefined) {
        missing.push(`${name} [${shape.join(", ")}]`);
        continue;
      }
      const flaw = flawOf(name, shape, tensor);
      if (flaw !== null) flaws[flaw.kind].push(flaw.text);
      selected.set(name, tensor);
    }
  }
  const extra = [...tensors.keys()].filter(
    (name) => !wanted.has(name) && !ignore.some((pattern) => pattern.test(name)),
  );
  const problems = [
    ...list("missing", missing),
    ...list("not expected", extra),
    ...list("of wrong shape", flaws.shape),
    ...list("not float32", flaws.dtype),
    ...list("not finite", flaws.value),
  ];
  if (problems.length === 0) return selected;
  throw new ThawError("weights-mismatch", `${where} does not fit the model: ${problems.join("; ")}.`, {
    hint:
      extra.length > 0 && problems.length === 1
        ? `Name what is not wanted in the spec: "weights": { "file": …, "ignore": [${ignoring(extra)}] }.`
        : "Check that alpha, image size and weights belong together, and that the file is whole.",
    details: { missing, extra, shape: flaws.shape, dtype: flaws.dtype, notFinite: flaws.value },
  });
}
