import type { Layer, NamedTensors, SerializedError } from "@thaw/core";
import type { ConfiguredLayer } from "./keras-v3-h5.ts";

/** What is wanted of an HDF5 file: plain data, for another thread. */
export type Hdf5Task =
  /** The weights of either layout of Keras's. */
  | { readonly kind: "weights"; readonly table: readonly Layer[] }
  /** The weights of Keras 3's layout, whose layers are named by a configuration. */
  | { readonly kind: "v3"; readonly table: readonly Layer[]; readonly model: readonly ConfiguredLayer[] }
  /** A text at the root. */
  | { readonly kind: "text"; readonly attribute: string };

/** Weights of an HDF5 file, and its layout. */
export interface Hdf5Weights {
  readonly tensors: NamedTensors;
  readonly format: "keras-h5" | "keras-h5-by-order" | "keras-weights-h5";
}

/** What each kind of task gives. */
export type Hdf5Answer<Task extends Hdf5Task> = Task extends { readonly kind: "text" } ? string | null : Hdf5Weights;

/** A task with its file. */
export interface Hdf5Request {
  readonly task: Hdf5Task;
  readonly bytes: Uint8Array;
  /** What messages call the file. */
  readonly where: string;
}

/** What comes back. `failures` counts instances of the library that are left behind. */
export type Hdf5Reply = { readonly failures: number } & (
  | { readonly value: Hdf5Weights | string | null }
  | { readonly error: SerializedError }
);
