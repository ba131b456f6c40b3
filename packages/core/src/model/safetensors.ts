import { clipped, shownValue } from "../clipped.ts";
import { ThawError } from "../error.ts";

/** A named array on the host. */
export interface HostTensor {
  readonly dtype: "float32" | "float64" | "int32" | "uint8";
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

/** Named arrays, in file order. */
export type NamedTensors = ReadonlyMap<string, HostTensor>;

const MAX_HEADER_BYTES = 100_000_000;
const DTYPES = {
  F32: { name: "float32", array: Float32Array },
  F64: { name: "float64", array: Float64Array },
  I32: { name: "int32", array: Int32Array },
  U8: { name: "uint8", array: Uint8Array },
} as const;
const DTYPE_LIST = Object.keys(DTYPES).join(", ");
const CODES = { float32: "F32", float64: "F64", int32: "I32", uint8: "U8" } as const;

function fail(where: string, problem: string): never {
  throw new ThawError("safetensors-invalid", `${where}: ${problem}.`, {
    hint: `Check that the file is a complete safetensors file with tensors of ${DTYPE_LIST}; write it again if it was cut off.`,
  });
}

function isCountArray(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function readHeader(bytes: Uint8Array, where: string): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.byteLength < 8) fail(where, `expected at least 8 bytes, found ${bytes.byteLength}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES || headerBytes + 8 > bytes.byteLength) {
    fail(where, `header length ${headerBytes} does not fit into a file of ${bytes.byteLength} bytes`);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + headerBytes));
    const header: unknown = JSON.parse(text);
    if (typeof header !== "object" || header === null || Array.isArray(header)) throw new Error("not an object");
    return { header: header as Record<string, unknown>, dataStart: 8 + headerBytes };
  } catch (cause) {
    return fail(where, `the header is no JSON object (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

/** What the header says of a tensor, checked. */
interface Entry {
  readonly name: string;
  readonly type: (typeof DTYPES)[keyof typeof DTYPES];
  readonly shape: readonly number[];
  /** First byte of its data, and the one behind it. */
  readonly begin: number;
  readonly end: number;
}

function readEntry(entry: unknown, name: string, dataBytes: number, where: string): Entry {
  const label = `tensor "${clipped(name)}"`;
  if (typeof entry !== "object" || entry === null) fail(where, `${label} has no description`);
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPES, dtype)) {
    fail(where, `${label} has dtype ${shownValue(dtype)}, expected one of ${DTYPE_LIST}`);
  }
  const type = DTYPES[dtype as keyof typeof DTYPES];
  if (!isCountArray(shape)) fail(where, `${label} has no valid shape`);
  if (!isCountArray(offsets) || offsets.length !== 2) fail(where, `${label} has no valid data_offsets`);
  const [begin = 0, end = 0] = offsets;
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (end < begin || end > dataBytes || end - begin !== size * type.array.BYTES_PER_ELEMENT) {
    fail(where, `${label} claims bytes ${begin} to ${end} of ${dataBytes} for shape [${clipped(shape.join(", "))}]`);
  }
  return { name, type, shape, begin, end };
}

/**
 * Tensors must fill the file, as the format says: bytes that several tensors share would let a small file take any
 * amount of memory.
 */
function checkLayout(entries: readonly Entry[], dataBytes: number, where: string): void {
  let filled = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== filled) {
      const flaw = begin < filled ? "overlaps the one before it" : "leaves a hole before it";
      fail(where, `tensor "${clipped(name)}" ${flaw}, at byte ${begin} of the data`);
    }
    filled = end;
  }
  if (filled !== dataBytes) fail(where, `its tensors fill ${filled} of ${dataBytes} bytes`);
}

function readTensor({ type, shape, begin, end }: Entry, data: Uint8Array): HostTensor {
  const copy = new Uint8Array(end - begin); // aligned; not data.slice(), which on a Node Buffer copies nothing
  copy.set(data.subarray(begin, end));
  return { dtype: type.name, shape, data: new type.array(copy.buffer) };
}

/**
 * Reads a safetensors file.
 * @param bytes the whole file
 * @param where what error messages call the file
 * @throws ThawError `safetensors-invalid` for anything malformed; sizes and the layout are checked before memory is taken
 * @see https://github.com/huggingface/safetensors#format
 */
export function parseSafetensors(bytes: Uint8Array, where: string): NamedTensors {
  const { header, dataStart } = readHeader(bytes, where);
  const data = bytes.subarray(dataStart);
  const described = Object.entries(header).filter(([name]) => name !== "__metadata__");
  const entries = described.map(([name, entry]) => readEntry(entry, name, data.byteLength, where));
  checkLayout(entries, data.byteLength, where);
  return new Map(entries.map((entry) => [entry.name, readTensor(entry, data)]));
}

/**
 * Reads the plain strings that a safetensors file keeps under `__metadata__`; none where it has none.
 * @throws ThawError `safetensors-invalid`
 */
export function safetensorsMetadata(bytes: Uint8Array, where: string): ReadonlyMap<string, string> {
  const metadata = readHeader(bytes, where).header.__metadata__ ?? {};
  if (typeof metadata !== "object" || metadata === null || Object.values(metadata).some((v) => typeof v !== "string")) {
    fail(where, "__metadata__ is no object of strings");
  }
  return new Map(Object.entries(metadata as Record<string, string>));
}

/**
 * Writes a safetensors file, tensors in the given order.
 * @param metadata plain strings kept under `__metadata__`
 */
export function writeSafetensors(tensors: NamedTensors, metadata?: Readonly<Record<string, string>>): Uint8Array {
  const entries: [name: string, entry: unknown][] = metadata === undefined ? [] : [["__metadata__", metadata]];
  let offset = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    entries.push([name, { dtype: CODES[dtype], shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries))); // "__proto__" is a name too
  const headerBytes = Math.ceil(json.byteLength / 8) * 8; // padded with spaces, so that data is aligned
  const file = new Uint8Array(8 + headerBytes + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let position = 8 + headerBytes;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}
