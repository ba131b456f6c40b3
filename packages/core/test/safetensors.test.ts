import { describe, expect, it } from "vitest";
import { type HostTensor, type NamedTensors, parseSafetensors, writeSafetensors } from "../src/model/safetensors.ts";
import { failureOf } from "./failure.ts";

const TENSORS: NamedTensors = new Map<string, HostTensor>([
  ["a/kernel", { dtype: "float32", shape: [2, 3], data: Float32Array.of(0, -1.5, 1e-40, Number.NaN, 3, 3.4e38) }],
  ["bytes", { dtype: "uint8", shape: [3], data: Uint8Array.of(1, 2, 255) }], // what follows is not aligned
  ["double", { dtype: "float64", shape: [2], data: Float64Array.of(Math.PI, 1e-300) }],
  ["labels", { dtype: "int32", shape: [2, 1], data: Int32Array.of(-7, 2 ** 31 - 1) }],
  ["scalar", { dtype: "float32", shape: [], data: Float32Array.of(5) }],
  ["empty", { dtype: "float32", shape: [0, 4], data: new Float32Array(0) }],
]);

/** A file with any header, right or wrong. */
function file(header: unknown, data = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Uint8Array.from(Buffer.concat([length, json, data]));
}

const lengthOnly = (length: bigint): Uint8Array => {
  const bytes = Buffer.alloc(64);
  bytes.writeBigUInt64LE(length);
  return bytes;
};

describe("a round trip", () => {
  it("gives every tensor back, in order", () => {
    const read = parseSafetensors(writeSafetensors(TENSORS), "x");
    expect([...read.keys()]).toEqual([...TENSORS.keys()]);
    expect(read).toEqual(TENSORS);
  });

  it("keeps metadata out of the tensors", () => {
    const bytes = writeSafetensors(TENSORS, { made: "by a test" });
    expect(Buffer.from(bytes).toString()).toContain('"__metadata__":{"made":"by a test"}');
    expect(parseSafetensors(bytes, "x")).toEqual(TENSORS);
  });

  it("writes a file of the documented form, its data aligned", () => {
    const bytes = writeSafetensors(new Map([["w", { dtype: "float32", shape: [1], data: Float32Array.of(1) }]]));
    const headerBytes = Number(Buffer.from(bytes).readBigUInt64LE());
    const header = JSON.parse(Buffer.from(bytes).toString("utf8", 8, 8 + headerBytes)) as unknown;
    expect(header).toEqual({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } });
    expect(headerBytes % 8).toBe(0);
    expect([...bytes.subarray(8 + headerBytes)]).toEqual([0, 0, 0x80, 0x3f]);
  });

  it("writes tensors that are views", () => {
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const read = parseSafetensors(writeSafetensors(new Map([["w", { dtype: "float32", shape: [2], data }]])), "x");
    expect(read.get("w")?.data).toEqual(Float32Array.of(2, 3));
  });
});

describe("the bytes that come in", () => {
  it("may be a Node Buffer at an odd place of a larger one", () => {
    const bytes = writeSafetensors(TENSORS);
    const whole = Buffer.alloc(bytes.byteLength + 9);
    whole.set(bytes, 3);
    expect(parseSafetensors(whole.subarray(3, 3 + bytes.byteLength), "x")).toEqual(TENSORS);
  });

  it("are copied: what becomes of the buffer changes no tensor", () => {
    const bytes = Buffer.from(writeSafetensors(TENSORS));
    const read = parseSafetensors(bytes, "x");
    bytes.fill(0xff);
    expect(read).toEqual(TENSORS);
    expect(read.get("bytes")?.data.buffer.byteLength).toBe(3);
  });
});

describe("a name like any other", () => {
  it.each(["__proto__", "constructor", "", "ünï/ker nel"])("%j is read and written", (name) => {
    const tensors = new Map([[name, { dtype: "uint8", shape: [1], data: Uint8Array.of(7) } as const]]);
    expect(parseSafetensors(writeSafetensors(tensors), "x")).toEqual(tensors);
  });
});

describe("a bad file", () => {
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const eight = new Uint8Array(8);

  it.each<readonly [string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "expected at least 8 bytes, found 0"],
    ["of 7 bytes", new Uint8Array(7), "expected at least 8 bytes, found 7"],
    ["with a header longer than itself", lengthOnly(57n), "header length 57 does not fit into a file of 64 bytes"],
    ["with an absurd header length", lengthOnly(2n ** 63n), "does not fit into a file of 64 bytes"],
    ["whose header is no JSON", file("{nope"), "the header is no JSON object"],
    ["whose header is a list", file([]), "the header is no JSON object (not an object)"],
    ["whose header is no UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), "the header is no JSON object"],
    ["cut off in its data", writeSafetensors(TENSORS).subarray(0, -10), 'tensor "labels" claims bytes'],
    ["with offsets past its end", file({ w: { ...entry, data_offsets: [4, 12] } }, eight), "claims bytes 4 to 12 of 8"],
    ["with offsets backwards", file({ w: { ...entry, data_offsets: [8, 0] } }, eight), "claims bytes 8 to 0 of 8"],
    ["with a negative offset", file({ w: { ...entry, data_offsets: [-8, 0] } }, eight), "no valid data_offsets"],
    ["with one offset", file({ w: { ...entry, data_offsets: [0] } }, eight), 'tensor "w" has no valid data_offsets'],
    ["whose shape wants more", file({ w: { ...entry, shape: [3] } }, eight), "for shape [3]"],
    [
      "with a huge shape",
      file({ w: { ...entry, shape: [2 ** 52, 2 ** 52] } }, eight),
      'tensor "w" claims bytes 0 to 8',
    ],
    [
      "with a fraction in its shape",
      file({ w: { ...entry, shape: [0.5, 4] } }, eight),
      'tensor "w" has no valid shape',
    ],
    ["without a shape", file({ w: { ...entry, shape: "2" } }, eight), 'tensor "w" has no valid shape'],
    [
      "with an unknown dtype",
      file({ w: { ...entry, dtype: "BF16" } }, eight),
      '"BF16", expected one of F32, F64, I32, U8',
    ],
    [
      "with a dtype off the prototype",
      file({ w: { ...entry, dtype: "constructor" } }, eight),
      'has dtype "constructor"',
    ],
    ["without a dtype", file({ w: { shape: [2] } }, eight), 'tensor "w" has dtype undefined'],
    [
      "with tensors that share bytes",
      file({ w: entry, v: { ...entry, shape: [1], data_offsets: [4, 8] } }, eight),
      'tensor "v" overlaps the one before it, at byte 4',
    ],
    [
      "with a hole",
      file({ w: { ...entry, shape: [1], data_offsets: [4, 8] } }, eight),
      'tensor "w" leaves a hole before it, at byte 4',
    ],
    ["with bytes of no tensor", file({ w: entry }, new Uint8Array(12)), "its tensors fill 8 of 12 bytes"],
    ["with a name that fills the screen", file({ ["n".repeat(5000)]: null }), `tensor "${"n".repeat(200)}…"`],
    ["with a tensor that is null", file({ w: null }), 'tensor "w" has no description'],
  ])("%s is refused by name", async (_title, bytes, problem) => {
    const error = await failureOf(() => parseSafetensors(bytes, "weights.safetensors"));
    expect(error.code).toBe("safetensors-invalid");
    expect(error.message.startsWith("weights.safetensors: ")).toBe(true);
    expect(error.message).toContain(problem);
    expect(error.hint).toContain("complete safetensors file");
  });
});
