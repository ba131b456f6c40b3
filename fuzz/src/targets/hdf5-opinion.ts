import { Dataset, File, Group } from "jsfive";

/** The values of every dataset of float32 in a file, as another library (jsfive) reads them. */
export function hdf5Opinion(bytes: Uint8Array): readonly Float32Array[] {
  const values: Float32Array[] = [];
  let visited = 0;
  const visit = (group: Group, depth: number): void => {
    for (const key of group.keys) {
      visited += 1;
      if (visited > 2000 || depth > 20) return;
      const member = attempt(() => group.get(key));
      if (member instanceof Group) attempt(() => visit(member, depth + 1));
      if (member instanceof Dataset && member.dtype === "<f4") {
        const found = attempt(() => Float32Array.from(member.value));
        if (found !== undefined) values.push(found);
      }
    }
  };
  attempt(() => visit(new File(Uint8Array.from(bytes).buffer, "opinion.h5"), 0));
  return values;
}

/** What a damaged file makes the other library stumble over is no opinion. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Whether two arrays have the same bits. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}
