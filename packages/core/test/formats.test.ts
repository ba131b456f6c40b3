import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Document, type Format, upgraded, versionOf } from "../src/formats/format.ts";
import { FORMATS } from "../src/formats/formats.ts";
import { failureOf } from "./failure.ts";

const KEYS: Format = {
  name: "bunch of keys",
  version: 3,
  steps: [
    ({ key, ...rest }) => ({ ...rest, keys: [key] }),
    ({ keys, ...rest }) => ({ ...rest, keys, count: Array.isArray(keys) ? keys.length : 0 }),
  ],
};

describe("upgrading", () => {
  it("takes every step from a document's version on, in their order", () => {
    const first = { version: 1, key: "a", other: true };
    expect(upgraded(KEYS, first, "f")).toEqual({ version: 3, keys: ["a"], count: 1, other: true });
    expect(first).toEqual({ version: 1, key: "a", other: true });
    expect(upgraded(KEYS, { version: 2, keys: ["a", "b"] }, "f")).toEqual({ version: 3, keys: ["a", "b"], count: 2 });
  });

  it.each([
    [{ version: 3, key: 1 }],
    [{ version: "1" }],
    [{ version: 0 }],
    [{ version: 1.5 }],
    [{}],
    [[]],
    [null],
    [7],
  ])("leaves %j as it is", (document) => {
    expect(upgraded(KEYS, document, "f")).toBe(document);
  });

  it("refuses a later version, and names who wrote it", async () => {
    const { code, message, hint } = await failureOf(() =>
      upgraded(KEYS, { version: 4, thawVersion: "2.0.0" }, "a.json"),
    );
    expect(code).toBe("version-newer");
    expect(message).toBe(
      "a.json is a bunch of keys of version 4, written by Thaw 2.0.0; this Thaw reads versions up to 3.",
    );
    expect(hint).toContain("at least as new");
    expect((await failureOf(() => upgraded(KEYS, { version: 4 }, "a.json"))).message).toContain("by a later Thaw;");
  });
});

describe("the formats", () => {
  it.each(Object.values(FORMATS).map((format): [string, Format] => [format.name, format]))(
    "%s has a step from each earlier version, which no document breaks",
    (_name, format) => {
      expect(format.steps).toHaveLength(format.version - 1);
      const value = fc.letrec((tie) => ({
        any: fc.oneof({ maxDepth: 4 }, fc.constantFrom(null, 1, "x", true), fc.array(tie("any")), tie("record")),
        record: fc.dictionary(
          fc.constantFrom(
            "environment",
            "adapter",
            "epochs",
            "final",
            "validation",
            "loss",
            "results",
            "curve",
            "selfNoise",
          ),
          tie("any"),
        ),
      }));
      fc.assert(
        fc.property(value.record, fc.integer({ min: 1, max: format.version }), (fields, version) => {
          const before = { ...(fields as Document), version };
          const copy = structuredClone(before);
          expect(versionOf(upgraded(format, before, "f"))).toBe(format.version);
          expect(before).toEqual(copy);
        }),
      );
    },
  );
});
