import { distance } from "fastest-levenshtein";

/** The part of JSON Schema that is walked here. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
}

function branches(node: SchemaNode): readonly SchemaNode[] {
  return [node, ...[...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap(branches)];
}

/** Whether a value's constants (`kind`, `name`, `schedule`) are those of a branch. */
function fits(node: SchemaNode, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(node.properties ?? {}).every(
    ([key, { const: constant }]) =>
      constant === undefined || !Object.hasOwn(value, key) || (value as Record<string, unknown>)[key] === constant,
  );
}

/** Of a union's branches, those that the value's constants point to; all of them where they point to none. */
function meant(nodes: readonly SchemaNode[], value: unknown): readonly SchemaNode[] {
  const fitting = nodes.filter((node) => fits(node, value));
  return fitting.some((node) => node.properties !== undefined) ? fitting : nodes;
}

/** What stands at `path` in a document; undefined where nothing does. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** All schema nodes that may describe the value at `path`, through the branches of unions that the document means. */
export function nodesAt(root: SchemaNode, path: readonly PropertyKey[], document: unknown): readonly SchemaNode[] {
  let nodes = meant(branches(root), document);
  for (const [depth, key] of path.entries()) {
    const children = nodes.flatMap((node) => {
      const child = typeof key === "number" ? node.items : node.properties?.[String(key)];
      return child === undefined ? [] : branches(child);
    });
    nodes = meant(children, valueAt(document, path.slice(0, depth + 1)));
  }
  return nodes;
}

/** Names that an object at `path` may have, each once. */
export function knownKeys(root: SchemaNode, path: readonly PropertyKey[], document: unknown): readonly string[] {
  return [...new Set(nodesAt(root, path, document).flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** The `count` names closest to `name`, nearest first; far ones (more than half the letters differ) are left out. */
export function nearest(name: string, known: readonly string[], count = 1): readonly string[] {
  const lower = name.toLowerCase();
  return known
    .map((candidate) => ({ candidate, edits: distance(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.ceil(Math.max(candidate.length, name.length) / 2))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}
