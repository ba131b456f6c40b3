import { z } from "zod";

/** What documents of a shape may have at one place. */
export interface Place {
  /** Types, and texts and numbers that are spelt out. */
  readonly types: readonly string[];
  readonly required: boolean;
}

/** A shape as a list of the places that its documents have, by path: `.epochs[].train.loss`. */
export type Places = ReadonlyMap<string, Place>;

interface Node {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly prefixItems?: readonly Node[];
  readonly additionalProperties?: Node | boolean;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly allOf?: readonly Node[];
}

function typesOf(node: Node): string[] {
  if (node.const !== undefined) return [JSON.stringify(node.const)];
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value));
  const { type = [] } = node;
  return typeof type === "string" ? [type] : [...type];
}

/** Tells the branches of a union apart by what each of them spells out, such as `{kind="folder"}`. */
function branchOf({ properties = {}, required = [] }: Node): string {
  const told = required.flatMap((key) => {
    const value = properties[key]?.const;
    return value === undefined ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  return told.length === 0 ? "" : `{${told.join(",")}}`;
}

/**
 * Lists the places of a shape.
 * @param io what a person writes, with defaults left out, or what a program writes
 */
export function placesOf(shape: z.ZodType, io: "input" | "output"): Places {
  const places = new Map<string, Place>();
  const add = (path: string, types: readonly string[], required: boolean): void => {
    const known = places.get(path);
    places.set(path, {
      types: [...new Set([...(known?.types ?? []), ...types])].sort(),
      required: required && (known?.required ?? true),
    });
  };
  const walk = (node: Node, path: string, required: boolean): void => {
    add(path, typesOf(node), required);
    for (const [key, property] of Object.entries(node.properties ?? {})) {
      walk(property, `${path}.${key}`, node.required?.includes(key) ?? false);
    }
    if (node.items !== undefined) walk(node.items, `${path}[]`, true);
    for (const [index, item] of (node.prefixItems ?? []).entries()) walk(item, `${path}[${index}]`, true);
    if (typeof node.additionalProperties === "object") walk(node.additionalProperties, `${path}{}`, true);
    for (const part of node.allOf ?? []) walk(part, path, required);
    for (const branch of [...(node.anyOf ?? []), ...(node.oneOf ?? [])])
      walk(branch, path + branchOf(branch), required);
  };
  walk(z.toJSONSchema(shape, { io, unrepresentable: "any", reused: "inline" }) as Node, "", true);
  return places;
}

/** A line a place, sorted: `.seed: integer, optional`. */
export function placesText(places: Places): string {
  const lines = [...places].map(
    ([path, { types, required }]) =>
      `${path || "."}: ${types.join(" | ") || "anything"}${required ? "" : ", optional"}`,
  );
  return `${lines.sort().join("\n")}\n`;
}

/** The inverse of {@link placesText}. */
export function parsePlaces(text: string): Places {
  return new Map(
    text
      .trim()
      .split("\n")
      .map((line) => {
        const [, path = "", types = "", optional] = /^(.*?): (.*?)(, optional)?$/.exec(line) ?? [];
        return [path === "." ? "" : path, { types: types.split(" | "), required: optional === undefined }] as const;
      }),
  );
}

/** Whether what is of a type is also of one of others: `"x"` is a string, and an integer is a number. */
function isAmong(type: string, others: readonly string[]): boolean {
  if (type === "anything" || others.length === 0 || others.includes(type)) return true;
  if (type.startsWith('"')) return others.includes("string");
  return others.includes("number") && (type === "integer" || Number.isFinite(Number(type)));
}

/** Why documents of one shape are not all of another one; empty where they are. */
export function obstacles(from: Places, to: Places): string[] {
  const found: string[] = [];
  for (const [path, { types, required }] of from) {
    const now = to.get(path);
    if (now === undefined) found.push(`${path} is gone`);
    else {
      const lost = types.filter((type) => !isAmong(type, now.types));
      if (lost.length > 0) found.push(`${path} may no longer be ${lost.join(", ")}`);
      if (now.required && !required) found.push(`${path} has to be there now`);
    }
  }
  for (const [path, { required }] of to) {
    const parent = path.replace(/(\.[^.[\]{}]+|\[\d*\]|\{[^}]*\})$/, "");
    if (required && !from.has(path) && from.has(parent)) found.push(`${path} is new and has to be there`);
  }
  return found;
}
