import { weightsInvalid } from "./weights-error.ts";

const SIGNATURE = Buffer.from("GCOL\x01\0\0\0", "latin1");
const HEADER_BYTES = 16;

/** Whether the objects of one collection fill it: each moves on, none leaves it. */
function isSound(view: DataView, start: number, end: number): boolean {
  let offset = start + HEADER_BYTES;
  while (offset + HEADER_BYTES <= end) {
    const isFreeSpace = view.getUint16(offset, true) === 0;
    const size = Number(view.getBigUint64(offset + 8, true));
    const step = isFreeSpace ? size : HEADER_BYTES + Math.ceil(size / 8) * 8; // the size of free space counts its header
    if (step < HEADER_BYTES || offset + step > end) return false;
    offset += step;
  }
  return true;
}

/**
 * Checks the collections of long texts (layer names) in an HDF5 file, before the HDF5 library sees them: on a free space
 * of size 0 its H5HG.c goes round for ever (HDF5 2.0.0; found by flipping bytes). Can go when the library checks it.
 * @throws ThawError `weights-invalid`
 * @see HDF5 File Format Specification, III.E, Global Heap
 */
export function checkGlobalHeaps(bytes: Uint8Array, where: string): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = file.indexOf(SIGNATURE); start >= 0; start = file.indexOf(SIGNATURE, start + 1)) {
    if (start + HEADER_BYTES > file.length) break;
    const end = start + Number(view.getBigUint64(start + 8, true));
    // One that ends behind the file is a file cut off, which HDF5 reports well.
    if (end <= file.length && !isSound(view, start, end)) {
      throw weightsInvalid(where, `HDF5 cannot read it (damaged heap of texts at byte ${start})`);
    }
  }
}
