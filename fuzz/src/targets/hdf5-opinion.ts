import { Dataset, File, Group } from "jsfive";

/** What another library (jsfive) makes of a file. */
export interface Hdf5Opinion {
  /** Of every dataset of float32 that it can read. */
  readonly values: readonly Float32Array[];
  /** Members that it stumbles over: of them it has no opinion. */
  readonly unread: number;
}

const MOST_MEMBERS = 2000;
const MOST_DEPTH = 20;

/** Reads a file by another library's code, as far as that goes. */
export function hdf5Opinion(bytes: Uint8Array): Hdf5Opinion {
  const values: Float32Array[] = [];
  let [visited, unread] = [0, 0];
  const attempt = (read: () => void): void => {
    try {
      read();
    } catch {
      unread += 1;
    }
  };
  const visit = (group: Group, depth: number): void => {
    for (const key of group.keys) {
      visited += 1;
      if (visited > MOST_MEMBERS || depth > MOST_DEPTH) throw new Error("There is too much of it.");
      attempt(() => {
        const member = group.get(key);
        if (member instanceof Group) visit(member, depth + 1);
        if (member instanceof Dataset && member.dtype === "<f4") values.push(Float32Array.from(member.value));
      });
    }
  };
  attempt(() => visit(new File(Uint8Array.from(bytes).buffer, "opinion.h5"), 0));
  return { values, unread };
}

/** Whether two arrays have the same bits. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
