import { crc32, inflateRawSync } from "node:zlib";
import { BELIEVED_BYTES, MAX_INFLATION, MAX_WEIGHT_BYTES } from "./limits.ts";
import { weightsInvalid, weightsTooLarge } from "./weights-error.ts";

/** What the zip's directory says of a member. */
interface Entry {
  readonly method: number;
  readonly crc32: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Where its local header begins. */
  readonly offset: number;
}

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const MAX_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;

function viewOf(zip: Uint8Array): DataView {
  return new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
}

function endRecord(view: DataView, where: string): number {
  const first = Math.max(0, view.byteLength - 22 - MAX_COMMENT);
  for (let at = view.byteLength - 22; at >= first; at -= 1) if (view.getUint32(at, true) === END_SIGNATURE) return at;
  throw weightsInvalid(where, "the zip has no end record, so it is cut off");
}

/** The zip's own directory. Two members of one name are an error: which of them is meant? */
function readDirectory(zip: Uint8Array, where: string): ReadonlyMap<string, Entry> {
  const view = viewOf(zip);
  const end = endRecord(view, where);
  const entries = new Map<string, Entry>();
  let at = view.getUint32(end + 16, true);
  for (let index = view.getUint16(end + 10, true); index > 0; index--) {
    if (at + 46 > end || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      throw weightsInvalid(where, "the directory of the zip is damaged");
    }
    const nameBytes = view.getUint16(at + 28, true);
    const name = Buffer.from(zip.subarray(at + 46, at + 46 + nameBytes)).toString("utf8");
    if (entries.has(name)) throw weightsInvalid(where, `the zip has two members "${name}"`);
    entries.set(name, {
      method: view.getUint16(at + 10, true),
      crc32: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/** Names of a zip's members. @throws ThawError `weights-invalid` */
export function zipMemberNames(zip: Uint8Array, where: string): readonly string[] {
  return [...readDirectory(zip, where).keys()];
}

/** A member's bytes as they lie in the zip. */
function packedOf(zip: Uint8Array, { offset, packedBytes }: Entry): Uint8Array {
  const view = viewOf(zip);
  if (offset + 30 > zip.byteLength || view.getUint32(offset, true) !== LOCAL_SIGNATURE) {
    throw new Error("its header is damaged");
  }
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packedBytes > zip.byteLength) throw new Error("it reaches beyond the file");
  return zip.subarray(start, start + packedBytes);
}

function unpack(packed: Uint8Array, { method, bytes }: Entry): Uint8Array {
  if (method === STORED) return Uint8Array.from(packed);
  if (method !== DEFLATED) throw new Error(`compression method ${method} is not known`);
  // A byte more than claimed is no longer unpacked, however much there is.
  return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) });
}

/**
 * Reads one member of a zip. What its directory claims is held against the limit and against the file before memory is
 * taken, and bounds what is unpacked; size and CRC are checked afterwards.
 * @param limit bytes
 * @throws ThawError `weights-invalid` (no zip, no such member, damaged), `weights-too-large`
 */
export function readZipMember(
  zip: Uint8Array,
  member: string,
  where: string,
  limit: number = MAX_WEIGHT_BYTES,
): Uint8Array {
  const entry = readDirectory(zip, where).get(member);
  if (entry === undefined) throw weightsInvalid(where, `the zip has no member "${member}"`);
  if (entry.bytes > limit) throw weightsTooLarge(where, `member "${member}"`, entry.bytes, limit);
  const possible = BELIEVED_BYTES + entry.packedBytes * MAX_INFLATION;
  if (entry.bytes > possible) throw weightsTooLarge(where, `member "${member}"`, entry.bytes, possible);
  let bytes: Uint8Array;
  try {
    bytes = unpack(packedOf(zip, entry), entry);
  } catch (cause) {
    throw weightsInvalid(where, `member "${member}" cannot be unpacked (${(cause as Error).message})`, { cause });
  }
  if (bytes.byteLength !== entry.bytes || crc32(bytes) !== entry.crc32) {
    throw weightsInvalid(where, `member "${member}" is damaged (size or checksum differ from the zip's directory)`);
  }
  return bytes;
}
