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
}

function branches(node: SchemaNode): readonly SchemaNode[] {
  return [node, ...[...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap(branches)];
}

/** All schema nodes that may describe the value at `path`, through every branch of a union. */
export function nodesAt(root: SchemaNode, path: readonly PropertyKey[]): readonly SchemaNode[] {
  let nodes = branches(root);
  for (const key of path) {
    nodes = nodes.flatMap((node) => {
      const child = typeof key === "number" ? node.items : node.properties?.[String(key)];
      return child === undefined ? [] : branches(child);
    });
  }
  return nodes;
}

/** Names that an object at `path` may have, each once. */
export function knownKeys(root: SchemaNode, path: readonly PropertyKey[]): readonly string[] {
  return [...new Set(nodesAt(root, path).flatMap((node) => Object.keys(node.properties ?? {})))];
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
