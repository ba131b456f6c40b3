import { crc32 } from "node:zlib";
import { unzipSync } from "fflate";
import { MAX_WEIGHT_BYTES } from "./limits.ts";
import { weightsInvalid, weightsTooLarge } from "./weights-error.ts";

interface Entry {
  readonly crc32: number;
  readonly bytes: number;
}

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const MAX_COMMENT = 65_535;

/** The zip's own directory: declared size and CRC of each member. fflate checks neither. */
function readDirectory(zip: Uint8Array, where: string): ReadonlyMap<string, Entry> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  let end = zip.byteLength - 22;
  while (end >= 0 && view.getUint32(end, true) !== END_SIGNATURE) {
    end = end > zip.byteLength - 22 - MAX_COMMENT ? end - 1 : -1;
  }
  if (end < 0) throw weightsInvalid(where, "the zip has no end record, so it is cut off");
  const entries = new Map<string, Entry>();
  let offset = view.getUint32(end + 16, true);
  for (let index = view.getUint16(end + 10, true); index > 0; index--) {
    if (offset + 46 > end || view.getUint32(offset, true) !== ENTRY_SIGNATURE) {
      throw weightsInvalid(where, "the directory of the zip is damaged");
    }
    const nameBytes = view.getUint16(offset + 28, true);
    const name = Buffer.from(zip.subarray(offset + 46, offset + 46 + nameBytes)).toString("utf8");
    entries.set(name, { crc32: view.getUint32(offset + 16, true), bytes: view.getUint32(offset + 24, true) });
    offset += 46 + nameBytes + view.getUint16(offset + 30, true) + view.getUint16(offset + 32, true);
  }
  return entries;
}

/** Names of a zip's members. @throws ThawError `weights-invalid` */
export function zipMemberNames(zip: Uint8Array, where: string): readonly string[] {
  return [...readDirectory(zip, where).keys()];
}

/**
 * Reads one member of a zip; its declared size is checked before memory is taken, its CRC afterwards.
 * @throws ThawError `weights-invalid` (no zip, no such member, damaged), `weights-too-large`
 */
export function readZipMember(zip: Uint8Array, member: string, where: string): Uint8Array {
  const entry = readDirectory(zip, where).get(member);
  if (entry === undefined) throw weightsInvalid(where, `the zip has no member "${member}"`);
  if (entry.bytes > MAX_WEIGHT_BYTES) {
    throw weightsTooLarge(where, `member "${member}"`, entry.bytes, MAX_WEIGHT_BYTES);
  }
  let bytes: Uint8Array | undefined;
  try {
    bytes = unzipSync(zip, { filter: ({ name }) => name === member })[member];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw weightsInvalid(where, `member "${member}" cannot be unpacked (${reason})`, { cause });
  }
  if (bytes === undefined || bytes.byteLength !== entry.bytes || crc32(bytes) !== entry.crc32) {
    throw weightsInvalid(where, `member "${member}" is damaged (size or checksum differ from the zip's directory)`);
  }
  return bytes;
}
