import {
  type HostTensor,
  type NamedTensors,
  parseSafetensors,
  safetensorsMetadata,
  writeSafetensors,
} from "@thaw/core";
import fc from "fast-check";
import { byteEdits, damagedBytes } from "../input/byte-edits.ts";
import { damagedDocument, documentEdits } from "../input/document-edits.ts";
import { expectSame, MEGABYTE, oneFile, type Target, target } from "../target.ts";

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array } as const;
const TYPES = { F32: "float32", F64: "float64", I32: "int32", U8: "uint8" } as const;

interface Input {
  readonly bytes: Uint8Array;
  /** What an undamaged file holds. */
  readonly whole: NamedTensors | null;
}

/** Names that objects have by themselves stand beside those of layers. */
const name = fc.oneof(
  fc.constantFrom("Conv1/kernel", "__proto__", "constructor", "toString", "images", "labels", "", "ä/β\u0000"),
  fc.string({ maxLength: 12 }),
);

const tensor: fc.Arbitrary<HostTensor> = fc
  .record({
    dtype: fc.constantFrom("float32", "float64", "int32", "uint8"),
    shape: fc.array(fc.nat(5), { maxLength: 4 }),
    seed: fc.nat(255),
  })
  .map(({ dtype, shape, seed }) => {
    const data = new ARRAYS[dtype](shape.reduce((product, side) => product * side, 1));
    const bytes = new Uint8Array(data.buffer);
    for (const index of bytes.keys()) bytes[index] = (index * 37 + seed) & 0xff; // NaNs are among the floats
    return { dtype, shape, data };
  });

const tensors: fc.Arbitrary<NamedTensors> = fc
  .uniqueArray(
    fc.tuple(
      name.filter((text) => text !== "__metadata__" && !/\p{Cs}/u.test(text)),
      tensor,
    ),
    {
      selector: ([key]) => key,
      maxLength: 6,
    },
  )
  .map((entries) => new Map(entries));

/** A file with a header that was changed as a document and is consistent with its own length. */
function withHeader(bytes: Uint8Array, header: string): Uint8Array {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + bytes.length - 8 - length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(bytes.subarray(8 + length), 8 + text.length);
  return file;
}

function headerOf(bytes: Uint8Array): { readonly header: Record<string, unknown>; readonly dataStart: number } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataStart = 8 + view.readUInt32LE(0);
  return { header: JSON.parse(view.toString("utf8", 8, dataStart)), dataStart };
}

/** Many tensors that are all the same bytes: a small file that would take much memory. */
function overlapping(count: number, sizeBytes: number): Uint8Array {
  const entry = { dtype: "U8", shape: [sizeBytes], data_offsets: [0, sizeBytes] };
  const header = JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, entry])));
  const empty = new Uint8Array(8 + sizeBytes);
  return withHeader(empty, header);
}

const inputs: fc.Arbitrary<Input> = fc.oneof(
  { weight: 3, arbitrary: tensors.map((whole) => ({ bytes: writeSafetensors(whole), whole })) },
  {
    weight: 5,
    arbitrary: fc.tuple(tensors, byteEdits).map(([whole, edits]) => ({
      bytes: damagedBytes(writeSafetensors(whole, { thaw: "{}" }), edits, [0, 8]),
      whole: null,
    })),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(tensors, documentEdits).map(([whole, edits]) => {
      const bytes = writeSafetensors(whole, { thaw: "{}" });
      return { bytes: withHeader(bytes, damagedDocument(headerOf(bytes).header, edits)), whole: null };
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ count: fc.nat(3000), sizeBytes: fc.nat(MEGABYTE) })
      .map(({ count, sizeBytes }) => ({ bytes: overlapping(count, sizeBytes), whole: null })),
  },
);

function bytesOf({ data }: HostTensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Compares tensors with the bytes that the file's header points to. */
export function checkSafetensors(bytes: Uint8Array, found: NamedTensors): void {
  const { header, dataStart } = headerOf(bytes);
  const named = Object.entries(header).filter(([key]) => key !== "__metadata__");
  expectSame(
    "names of tensors",
    [...found.keys()],
    named.map(([key]) => key),
    named.every(([key]) => found.has(key)) && named.length === found.size,
  );
  for (const [key, entry] of named) {
    const {
      dtype,
      shape,
      data_offsets: [begin, end],
    } = entry as { dtype: keyof typeof TYPES; shape: number[]; data_offsets: [number, number] };
    const is = found.get(key);
    const expected = Buffer.from(bytes.subarray(dataStart + begin, dataStart + end));
    const same =
      is !== undefined && is.dtype === TYPES[dtype] && `${is.shape}` === `${shape}` && bytesOf(is).equals(expected);
    expectSame(`tensor ${key}`, is?.shape, shape, same);
  }
}

/** Files of named arrays: what is written is read again, and what is damaged is refused or is what its bytes say. */
export const safetensorsTarget: Target = target<Input>({
  name: "safetensors",
  share: 20,
  codes: ["safetensors-invalid"],
  growthBytes: 128 * MEGABYTE,
  inputs,
  async read({ bytes, whole }) {
    const found = parseSafetensors(bytes, "fuzz.safetensors");
    safetensorsMetadata(bytes, "fuzz.safetensors");
    checkSafetensors(bytes, found);
    for (const [key, { data }] of whole ?? []) {
      const is = found.get(key);
      expectSame(`tensor ${key}`, is?.shape, null, is !== undefined && bytesOf(is).equals(Buffer.from(data.buffer)));
    }
    return found;
  },
  files: ({ bytes }) => oneFile("fuzz.safetensors", bytes),
});
