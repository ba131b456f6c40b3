import fc from "fast-check";

/** Where an edit is: in the first bytes, near a mark of the format, or anywhere. Resolved modulo what there is. */
interface Position {
  readonly near: "head" | "mark" | "any";
  readonly index: number;
  /** Bytes behind the mark. */
  readonly delta: number;
}

/** One change to a file. */
export type ByteEdit =
  | { readonly kind: "flip"; readonly at: Position; readonly bit: number }
  | { readonly kind: "set"; readonly at: Position; readonly value: number }
  | {
      readonly kind: "number";
      readonly at: Position;
      readonly width: 1 | 2 | 4 | 8;
      readonly value: bigint;
      readonly bigEndian: boolean;
    }
  | { readonly kind: "cut"; readonly at: Position }
  | { readonly kind: "copy"; readonly at: Position; readonly from: Position; readonly length: number }
  | { readonly kind: "repeat"; readonly at: Position; readonly length: number }
  | { readonly kind: "zero"; readonly at: Position; readonly length: number }
  | { readonly kind: "remove"; readonly at: Position; readonly length: number };

const HEAD_BYTES = 128;
/** Numbers that lengths, counts and offsets are replaced by: nothing, one, limits of each width, less than nothing. */
const LENGTHS = [
  0n,
  1n,
  2n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0xffff_ffffn,
  2n ** 40n,
  2n ** 53n,
  -1n,
  -8n,
];

const position: fc.Arbitrary<Position> = fc.record({
  near: fc.constantFrom("head", "mark", "mark", "any"),
  index: fc.nat(0xff_ffff),
  delta: fc.nat(40),
});
const length = fc.oneof(fc.nat(16), fc.nat(4096));

const byteEdit: fc.Arbitrary<ByteEdit> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: position, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("set" as const), at: position, value: fc.nat(255) }),
  fc.record({
    kind: fc.constant("number" as const),
    at: position,
    width: fc.constantFrom(1, 2, 4, 8),
    value: fc.constantFrom(...LENGTHS),
    bigEndian: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("cut" as const), at: position }),
  fc.record({ kind: fc.constant("copy" as const), at: position, from: position, length }),
  fc.record({ kind: fc.constant("repeat" as const), at: position, length }),
  fc.record({ kind: fc.constant("zero" as const), at: position, length }),
  fc.record({ kind: fc.constant("remove" as const), at: position, length }),
);

/** One to five changes. */
export const byteEdits: fc.Arbitrary<readonly ByteEdit[]> = fc.array(byteEdit, { minLength: 1, maxLength: 5 });

function offsetOf({ near, index, delta }: Position, bytes: Uint8Array, marks: readonly number[]): number {
  if (bytes.length === 0) return 0;
  const start =
    near === "head"
      ? index % HEAD_BYTES
      : near === "mark" && marks.length > 0
        ? (marks[index % marks.length] ?? 0) + delta
        : index;
  return start % bytes.length;
}

function numberBytes(width: number, value: bigint, bigEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(8 * width, value), true);
  const own = bytes.subarray(0, width);
  return bigEndian ? own.reverse() : own;
}

function replaced(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const whole = Uint8Array.from(bytes);
  whole.set(by.subarray(0, Math.max(0, bytes.length - at)), at);
  return whole;
}

function editOnce(bytes: Uint8Array, edit: ByteEdit, marks: readonly number[]): Uint8Array {
  const at = offsetOf(edit.at, bytes, marks);
  switch (edit.kind) {
    case "flip":
      return replaced(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << edit.bit)));
    case "set":
      return replaced(bytes, at, Uint8Array.of(edit.value));
    case "number":
      return replaced(bytes, at, numberBytes(edit.width, edit.value, edit.bigEndian));
    case "cut":
      return bytes.slice(0, at);
    case "zero":
      return replaced(bytes, at, new Uint8Array(edit.length));
    case "copy": {
      const from = offsetOf(edit.from, bytes, marks);
      return replaced(bytes, at, bytes.slice(from, from + edit.length));
    }
    case "repeat":
      return Uint8Array.from(Buffer.concat([bytes.subarray(0, at + edit.length), bytes.subarray(at)]));
    case "remove":
      return Uint8Array.from(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + edit.length)]));
  }
}

/**
 * Damages a file.
 * @param marks offsets at which the format keeps lengths, types or signatures
 */
export function damagedBytes(bytes: Uint8Array, edits: readonly ByteEdit[], marks: readonly number[]): Uint8Array {
  return edits.reduce((whole, edit) => editOnce(whole, edit, marks), bytes);
}
