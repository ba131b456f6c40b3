import { describe, expect, it } from "vitest";
import { canonicalJson, hashOf, sha256 } from "../src/spec/hash.ts";
import { parseSpec } from "../src/spec/parse.ts";
import { SHORTEST, specWith } from "./spec-example.ts";

/** The same JSON with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

describe("hashOf", () => {
  it("does not depend on the order of keys", async () => {
    const document = {
      ...SHORTEST,
      optimizer: { name: "adam", learningRate: 1e-5 },
      freeze: [{ layers: ".*", train: true }],
    };
    expect(JSON.stringify(reversed(document))).not.toBe(JSON.stringify(document));
    expect(await hashOf(reversed(document))).toBe(await hashOf(document));
    expect(await hashOf(parseSpec(reversed(document)))).toBe(await hashOf(parseSpec(document)));
  });

  it("is the same for a default that is written out", async () => {
    expect(await hashOf(specWith({ batchSize: 32, optimizer: { name: "adam" } }))).toBe(await hashOf(specWith({})));
  });

  it.each([[{ seed: 1 }], [{ freeze: 1 }], [{ model: { alpha: 0.5 } }], [{ shuffle: false }]] as const)(
    "changes with %j",
    async (fields) => {
      expect(await hashOf(specWith(fields))).not.toBe(await hashOf(specWith({})));
    },
  );

  it("does depend on the order of lists", async () => {
    expect(await hashOf([1, 2])).not.toBe(await hashOf([2, 1]));
  });
});

describe("canonicalJson", () => {
  it("sorts keys, drops undefined, escapes as JSON", () => {
    const value = { b: [1e-7, null, undefined, true], a: 'é"\n', "10": 1, "9": 2, z: undefined };
    expect(canonicalJson(value)).toBe('{"10":1,"9":2,"a":"é\\"\\n","b":[1e-7,null,null,true]}');
    expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
  });
});

describe("sha256", () => {
  it("is SHA-256", async () => {
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(await sha256(new TextEncoder().encode("abc"))).toBe(abc);
    expect(await sha256(Buffer.from("xabcx").subarray(1, 4))).toBe(abc);
  });
});
