import { crc32, deflateRawSync } from "node:zlib";
import fc from "fast-check";

/** A file before it is written. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const MEGABYTE = 2 ** 20;

/** What a hand-made zip says of a member, and what is in it. */
interface Member {
  readonly name: string;
  readonly packed: Uint8Array;
  readonly claimedBytes: number;
  readonly crc: number;
  readonly method: number;
}

/** A zip whose directory and local headers say what they are told to say. */
function zipOf(members: readonly Member[]): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, packed, claimedBytes, crc, method } of members) {
    const title = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(crc, 14);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt32LE(claimedBytes >>> 0, 22);
    local.writeUInt16LE(title.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    local.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, title);
    parts.push(local, title, Buffer.from(packed));
    offset += 30 + title.length + packed.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Uint8Array.from(Buffer.concat([...parts, ...directory, end]));
}

const BOMB = deflateRawSync(new Uint8Array(64 * MEGABYTE), { level: 9 });
const BOMB_CRC = crc32(new Uint8Array(64 * MEGABYTE));

/** A member that unpacks to 64 MB, or says that it does, or says otherwise; some of them more than once. */
export const zipBombs: fc.Arbitrary<NamedBytes> = fc
  .array(
    fc.record({
      name: fc.constantFrom("config.json", "model.weights.h5", "metadata.json"),
      packed: fc.constantFrom(BOMB, new Uint8Array(), new Uint8Array(100)),
      claimedBytes: fc.constantFrom(0, 1, 100, 64 * MEGABYTE, 500 * MEGABYTE, 0x7fff_ffff, 0xffff_ffff),
      crc: fc.constantFrom(BOMB_CRC, 0),
      method: fc.constantFrom(8, 0, 99),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((members) => ({ name: "bomb.keras", bytes: zipOf(members) }));
