import type { Group } from "h5wasm";

/** An array to be written. */
export interface Hdf5Array {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** A group of an HDF5 file that is being written. */
export interface Hdf5WriterGroup {
  /** Makes a group in it. */
  group(name: string): Hdf5WriterGroup;
  dataset(name: string, array: Hdf5Array): void;
  text(attribute: string, value: string): void;
}

let files = 0;

function writerOf(group: Group): Hdf5WriterGroup {
  return {
    group: (name) => writerOf(group.create_group(name)),
    dataset: (name, { shape, data }) =>
      void group.create_dataset({ name, data, shape: [...shape], dtype: data instanceof Int32Array ? "<i" : "<f" }),
    text: (attribute, value) => group.create_attribute(attribute, value),
  };
}

/**
 * Writes an HDF5 file in memory.
 * @param fill is given the root
 * @returns the whole file
 */
export async function writeHdf5(fill: (root: Hdf5WriterGroup) => void): Promise<Uint8Array> {
  const hdf5 = await import("h5wasm");
  const { FS } = await hdf5.ready;
  const name = `/export-${files++}.h5`;
  const file = new hdf5.File(name, "w");
  try {
    fill(writerOf(file));
    file.close(); // what is not closed is not written
    return new Uint8Array(FS.readFile(name));
  } finally {
    FS.unlink(name);
  }
}
