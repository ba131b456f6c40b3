import { describe, expect, it } from "vitest";
import { clipped, shownValue } from "../src/clipped.ts";
import { MAX_JSON_DEPTH, parseJson } from "../src/json.ts";

const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

describe("JSON of others", () => {
  it("is what JSON.parse makes of it", () => {
    const document = { a: [1, { b: "[[[{{{", c: null }], constructor: "a name", 'with " and \\': nested(3) };
    expect(parseJson(JSON.stringify(document))).toEqual(document);
    expect(parseJson(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
    expect(() => parseJson("[1,]")).toThrow(SyntaxError);
  });

  it("nests no deeper than what walks it can go, whatever brackets its strings have", () => {
    const problem = `it nests ${MAX_JSON_DEPTH + 1} levels deep`;
    expect(() => parseJson(nested(MAX_JSON_DEPTH + 1))).toThrow(problem);
    expect(() => parseJson(`{"a]":"}\\"}","b":${nested(MAX_JSON_DEPTH)}}`)).toThrow(problem);
    expect(() => parseJson(nested(1_000_000))).toThrow(SyntaxError);
  });

  it.each(['{"__proto__":{"isAdmin":true}}', '[{"a":{"\\u005f_proto__":1}}]', '{"a":[{"__pr\\u006fto__":null}]}'])(
    "names no prototype: %s",
    (text) => expect(() => parseJson(text)).toThrow('it has a key "__proto__"'),
  );

  it("may name one in its texts", () => {
    expect(parseJson('{"classes":["__proto__","\\u005f"]}')).toEqual({ classes: ["__proto__", "_"] });
  });
});

describe("a foreign text in a message", () => {
  it("is cut where it is long", () => {
    expect(clipped("short")).toBe("short");
    expect(clipped("a".repeat(300))).toBe(`${"a".repeat(200)}…`);
    expect(shownValue({ a: [1] })).toBe('{"a":[1]}');
    expect(shownValue(undefined)).toBe("undefined");
    expect(shownValue(JSON.parse(nested(100_000)))).toBe("a value that nests too deep");
  });
});
