import { POLLUTION } from "../input/document-edits.ts";

const ROOTS = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Map.prototype];
const KEYS_AT_START = ROOTS.map((root) => Reflect.ownKeys(root).length);

/** What became of the prototypes that all objects share; undefined where nothing did. */
export function pollutedRoots(): string | undefined {
  const changed = ROOTS.findIndex((root, index) => Reflect.ownKeys(root).length !== KEYS_AT_START[index]);
  if (changed >= 0) return `${ROOTS[changed]?.constructor.name}.prototype has other keys than before`;
  return POLLUTION in {} ? "every object has the key of a hostile file" : undefined;
}

/** An object in a value that got its prototype from a file; undefined where none did. */
export function foreignPrototype(value: unknown): string | undefined {
  const seen = new Set<object>();
  const waiting: (readonly [unknown, string])[] = [[value, "value"]];
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    const [item, path] = entry;
    if (typeof item !== "object" || item === null || seen.has(item) || ArrayBuffer.isView(item)) continue;
    seen.add(item);
    const prototype: unknown = Object.getPrototypeOf(item);
    if (item instanceof Map) {
      for (const [key, inner] of item) waiting.push([inner, `${path}.${String(key)}`]);
      continue;
    }
    if (prototype !== null && prototype !== Object.prototype && prototype !== Array.prototype) {
      if (Object.hasOwn(prototype as object, "constructor")) continue; // an instance of a class
      return `${path} has a prototype of the file's making`;
    }
    if (Object.hasOwn(item, "__proto__")) return `${path} has a key __proto__`;
    for (const [key, inner] of Object.entries(item)) waiting.push([inner, `${path}.${key}`]);
  }
  return undefined;
}
