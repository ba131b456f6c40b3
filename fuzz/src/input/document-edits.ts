import fc from "fast-check";

/** One change to a JSON document; slots (values with their keys) are counted in the document's order. */
export type DocumentEdit =
  | { readonly kind: "remove"; readonly slot: number }
  | { readonly kind: "replace"; readonly slot: number; readonly value: unknown }
  | { readonly kind: "add"; readonly slot: number; readonly key: string; readonly value: unknown }
  | { readonly kind: "rename"; readonly slot: number; readonly key: string }
  | { readonly kind: "exchange"; readonly slot: number; readonly other: number }
  | { readonly kind: "repeat"; readonly slot: number; readonly times: number };

/** What a polluted prototype would show on every object. */
export const POLLUTION = "thawPolluted";

const INFINITE = "@infinite@";
const deep = (levels: number): string => `@deep ${levels}@`;

const KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "then",
  "toJSON",
  "length",
  "",
  "0",
];
const POISON = { [POLLUTION]: true, prototype: { [POLLUTION]: true } };

const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -0,
    -1,
    1,
    0.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1e21,
    1e308,
    -1e308,
    1e-320,
  ),
  fc.constantFrom<unknown>("", "x", "__proto__", "\u0000", "\ud800", "‮", "<img src=x>", "=1+1", "../..", "(a+)+$"),
  fc.constantFrom<unknown>([], {}, [[]], [null], { length: -1 }, POISON, INFINITE, deep(150), deep(20_000)),
  fc.nat(100_000).map((length) => "a".repeat(length)),
  fc.jsonValue({ maxDepth: 2 }),
);
const key = fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 8 }));
const slot = fc.nat(0xffff);

const documentEdit: fc.Arbitrary<DocumentEdit> = fc.oneof(
  fc.record({ kind: fc.constant("remove" as const), slot }),
  fc.record({ kind: fc.constant("replace" as const), slot, value: hostileValue }),
  fc.record({ kind: fc.constant("add" as const), slot, key, value: hostileValue }),
  fc.record({ kind: fc.constant("rename" as const), slot, key }),
  fc.record({ kind: fc.constant("exchange" as const), slot, other: slot }),
  fc.record({ kind: fc.constant("repeat" as const), slot, times: fc.constantFrom(1, 2, 50, 2000) }),
);

/** One to three changes. */
export const documentEdits: fc.Arbitrary<readonly DocumentEdit[]> = fc.array(documentEdit, {
  minLength: 1,
  maxLength: 3,
});

type Container = Record<string, unknown> | unknown[];

interface Slot {
  readonly parent: Container;
  readonly key: string | number;
}

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

/** Own, enumerable and plain, whatever the key is: an assignment to `__proto__` would do something else. */
function define(object: object, key: string | number, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function slotsOf(document: Container): readonly Slot[] {
  const slots: Slot[] = [];
  const waiting: Container[] = [document];
  for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
    for (const key of Array.isArray(parent) ? parent.keys() : Object.keys(parent)) {
      slots.push({ parent, key });
      const value = valueIn({ parent, key });
      if (isContainer(value)) waiting.push(value);
    }
  }
  return slots;
}

function valueIn({ parent, key }: Slot): unknown {
  return Object.getOwnPropertyDescriptor(parent, key)?.value;
}

function removeFrom({ parent, key }: Slot): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[String(key)];
}

function editOnce(document: Container, edit: DocumentEdit): void {
  const slots = slotsOf(document);
  const chosen = slots[edit.slot % Math.max(1, slots.length)];
  if (chosen === undefined) return;
  const value = valueIn(chosen);
  const object = isContainer(value) && !Array.isArray(value) ? value : document;
  switch (edit.kind) {
    case "remove":
      removeFrom(chosen);
      break;
    case "replace":
      define(chosen.parent, chosen.key, structuredClone(edit.value));
      break;
    case "add":
      define(object, edit.key, structuredClone(edit.value));
      break;
    case "rename":
      if (Array.isArray(chosen.parent)) break;
      removeFrom(chosen);
      define(chosen.parent, edit.key, value);
      break;
    case "exchange": {
      const other = slots[edit.other % slots.length] ?? chosen;
      define(chosen.parent, chosen.key, structuredClone(valueIn(other)));
      break;
    }
    case "repeat":
      if (!Array.isArray(chosen.parent)) break;
      for (let count = 0; count < edit.times; count += 1) chosen.parent.push(structuredClone(value));
  }
}

/** Replaces a number of a document by another one, counted among its numbers. @returns the text of its file */
export function resizedDocument(document: unknown, place: number, value: number): string {
  const copy = structuredClone(document) as Container;
  const numbers = slotsOf(copy).filter((candidate) => typeof valueIn(candidate) === "number");
  const chosen = numbers[place % Math.max(1, numbers.length)];
  if (chosen !== undefined) define(chosen.parent, chosen.key, value);
  return documentText(copy);
}

/** A document as the text of a file, with what JSON can say and JSON.stringify cannot: infinity, and depth without end. */
export function documentText(document: unknown): string {
  return JSON.stringify(document)
    .replaceAll(`"${INFINITE}"`, "1e999")
    .replaceAll(/"@deep (\d+)@"/g, (_, levels) => `${"[".repeat(Number(levels))}${"]".repeat(Number(levels))}`);
}

/** Damages a document. @returns the text of its file */
export function damagedDocument(document: unknown, edits: readonly DocumentEdit[]): string {
  const copy = structuredClone(document) as Container;
  for (const edit of edits) editOnce(copy, edit);
  return documentText(copy);
}
