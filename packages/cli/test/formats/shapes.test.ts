import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FORMATS, type Format, importRecordShape, runRecordShape } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FILE_KINDS } from "../../src/formats/file-kinds.ts";
import { obstacles, type Places, parsePlaces, placesOf, placesText } from "./shape-lines.ts";

// shapes/NAME.VERSION.txt is what a version of a format looks like. RECORD_SHAPES=1 writes what is new; it refuses what
// would leave files of that version unread.

const HAND_WRITTEN: readonly Format[] = [FORMATS.spec, FORMATS.sweep];
const shapes: readonly [name: string, format: Format, places: Places][] = [
  ...FILE_KINDS.map(({ format, shape }): [string, Format, Places] => {
    return [format.name, format, placesOf(shape, HAND_WRITTEN.includes(format) ? "input" : "output")];
  }),
  ["saved model of a run", FORMATS.savedModel, placesOf(runRecordShape, "output")],
  ["saved model that was imported", FORMATS.savedModel, placesOf(importRecordShape, "output")],
];

function recordedFile(name: string, version: number): string {
  return fileURLToPath(new URL(`./shapes/${name.replaceAll(" ", "-")}.${version}.txt`, import.meta.url));
}

describe("a written shape", () => {
  it.each(shapes)("%s is as recorded for its version", (name, format, places) => {
    const file = recordedFile(name, format.version);
    const text = placesText(places);
    const recorded = existsSync(file) ? readFileSync(file, "utf8") : null;
    const found = recorded === null ? [] : obstacles(parsePlaces(recorded), places);
    expect(
      found,
      `Files of ${format.name} version ${format.version} would no longer be read: give it a new version, a step from the old one (core/src/formats), and a fixture`,
    ).toEqual([]);
    if (process.env.RECORD_SHAPES === "1") writeFileSync(file, text);
    else expect(text, "The shape has grown: record it with RECORD_SHAPES=1").toBe(recorded);
  });

  it.each(Object.values(FORMATS).map((format): [string, Format] => [format.name, format]))(
    "%s has its version in docs/versions.md",
    (name, { version }) => {
      const page = readFileSync(fileURLToPath(new URL("../../../../docs/versions.md", import.meta.url)), "utf8");
      const row = page.split("\n").find((line) => line.startsWith(`| ${name} |`));
      expect(row?.split(" | ")[2]).toBe(String(version));
    },
  );

  it.each(shapes)("%s has the record of every earlier version", (name, format) => {
    expect(format.steps).toHaveLength(format.version - 1);
    for (let version = 1; version < format.version; version += 1) {
      expect(existsSync(recordedFile(name, version))).toBe(true);
    }
  });

  it.each<[string, z.ZodType, string[]]>([
    ["a field that is gone", z.object({ b: z.string().optional() }), [".a is gone"]],
    ["a field of another type", z.object({ a: z.string() }), [".a may no longer be number"]],
    ["a word that is gone", z.object({ a: z.number(), b: z.literal("y").optional() }), ['.b may no longer be "x"']],
    ["an optional field that has to be there", z.object({ a: z.number(), c: z.number() }), [".c has to be there now"]],
    ["a new field that has to be there", z.object({ a: z.number(), d: z.number() }), [".d is new and has to be there"]],
    ["a new field that may be missing", z.object({ a: z.number(), d: z.number().optional() }), []],
    ["another branch", z.object({ a: z.number(), e: z.object({ kind: z.literal("m"), n: z.number() }) }), []],
  ])("would not be read with %s", (_what, changed, expected) => {
    const union = z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("m"), n: z.number() }),
      z.object({ kind: z.literal("k") }),
    ]);
    const shape = { a: z.number(), b: z.enum(["x", "y"]).optional(), c: z.number().optional(), e: union.optional() };
    const kept = Object.keys((changed as z.ZodObject).shape);
    const before = z.object(
      Object.fromEntries(Object.entries(shape).filter(([key]) => key === "a" || kept.includes(key))),
    );
    const text = placesText(placesOf(before, "output"));
    expect(placesText(parsePlaces(text))).toBe(text);
    const found = obstacles(parsePlaces(text), placesOf(changed, "output"));
    if (kept.includes("e")) expect(found).toContain('.e{kind="k"} is gone');
    else expect(found).toEqual(expected);
  });
});
