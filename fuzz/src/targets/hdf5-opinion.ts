import { type Dataset, File, Group } from "jsfive";

/** What another library (jsfive) makes of a file. */
export interface Hdf5Opinion {
  /** Of every dataset of float32 that it can read. */
  readonly values: readonly Float32Array[];
  /** Datasets that it finds and cannot read. */
  readonly unread: number;
  /** Whether it stumbles over a group: of what is in there it has no opinion. */
  readonly isPartial: boolean;
}

const MOST_MEMBERS = 2000;
const MOST_DEPTH = 20;

/** Reads a file by another library's code, as far as that goes. */
export function hdf5Opinion(bytes: Uint8Array): Hdf5Opinion {
  const values: Float32Array[] = [];
  let [visited, unread, isPartial] = [0, 0, false];
  const readValues = (dataset: Dataset): void => {
    try {
      if (dataset.dtype === "<f4") values.push(Float32Array.from(dataset.value));
    } catch {
      unread += 1;
    }
  };
  const visit = (open: () => Group | Dataset, depth: number): void => {
    try {
      const member = open();
      visited += 1;
      if (visited > MOST_MEMBERS || depth > MOST_DEPTH) throw new Error("There is too much of it.");
      if (member instanceof Group) for (const key of member.keys) visit(() => member.get(key), depth + 1);
      else readValues(member);
    } catch {
      isPartial = true;
    }
  };
  visit(() => new File(Uint8Array.from(bytes).buffer, "opinion.h5"), 0);
  return { values, unread, isPartial };
}

/** Whether two arrays have the same bits. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
