import { sizeOf, ThawError } from "@thaw/core";
import type { Dataset, Group } from "h5wasm";
import { checkGlobalHeaps } from "./global-heap.ts";
import { BELIEVED_BYTES, MAX_HDF5_MEMORY_BYTES, MAX_INFLATION, MAX_WEIGHT_BYTES } from "./limits.ts";
import { weightsDtype, weightsInvalid, weightsTooLarge } from "./weights-error.ts";

type Hdf5Library = typeof import("h5wasm");

/** A dataset whose bytes are read on demand. */
export interface Hdf5Dataset {
  readonly shape: readonly number[];
  readonly isFloat32: boolean;
  /**
   * Reads the values.
   * @param name what errors call the tensor
   * @throws ThawError `weights-dtype`, `weights-too-large`
   */
  readFloat32(name: string): Float32Array;
}

/** A group of an HDF5 file. */
export interface Hdf5Group {
  /** Names of the members, in the file's order. */
  keys(): readonly string[];
  group(name: string): Hdf5Group | null;
  /** @param path may go down through groups */
  dataset(path: string): Hdf5Dataset | null;
  /** A text or list of texts; an empty list is stored by h5py as floats. */
  texts(attribute: string): readonly string[] | null;
}

const PAGE_BYTES = 65_536;

/** The part of WebAssembly's memory that is used here; Node's types leave WebAssembly to the DOM's. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** Bounds what WebAssembly may take in this thread: lengths in a file's headers are given to malloc as they are. */
function boundMemory(): void {
  const { WebAssembly: wasm } = globalThis as unknown as {
    readonly WebAssembly: { readonly Memory: { readonly prototype: WasmMemory } };
  };
  const { prototype } = wasm.Memory;
  const { grow } = prototype;
  prototype.grow = function (pages: number): number {
    if (this.buffer.byteLength + pages * PAGE_BYTES > MAX_HDF5_MEMORY_BYTES) throw new RangeError("out of memory");
    return grow.call(this, pages);
  };
}

boundMemory();

let library: Promise<Hdf5Library> | null = null;
let generation = 0;
let files = 0;

/** How often the library has failed: each leaves an instance behind that is never given back. */
export function failedInstances(): number {
  return library === null ? generation : generation - 1;
}

/**
 * HDF5's C code can be left damaged by a malformed file (reads out of bounds were seen, after which good files fail
 * too), so a library that has failed once is never used again: another query string makes another module, with its own memory.
 */
function loadLibrary(): Promise<Hdf5Library> {
  library ??= (async () => {
    const location = `${import.meta.resolve("h5wasm")}?generation=${generation++}`;
    const loaded = (await import(/* @vite-ignore */ location)) as Hdf5Library;
    const module = await loaded.ready;
    module.activate_throwing_error_handler();
    return loaded;
  })();
  return library;
}

/** HDF5 reports a stack of messages; the innermost names the cause. */
function innermostReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const reasons = [...text.matchAll(/^\s*#\d+: .*? in \w+\(\): (.*)$/gm)].map((match) => match[1] ?? "");
  return reasons.at(-1) ?? text.split("\n")[0] ?? "unknown";
}

const DTYPE_NAMES: Readonly<Record<string, string>> = {
  e: "float16",
  f: "float32",
  d: "float64",
  b: "int8",
  h: "int16",
  i: "int32",
  q: "int64",
  B: "uint8",
  H: "uint16",
  I: "uint32",
  Q: "uint64",
};

/** h5wasm writes types as Python's struct module does, `<d` for a little-endian float64. */
function dtypeName(dtype: Dataset["dtype"]): string {
  if (typeof dtype !== "string") return "compound";
  const name = DTYPE_NAMES[dtype.slice(-1)] ?? dtype;
  return dtype.startsWith(">") ? `big-endian ${name}` : name;
}

/** Plain views of one open file, which share one budget of bytes to read. */
function fileViews(
  hdf5: Hdf5Library,
  where: string,
  fileBytes: number,
): { readonly group: (group: Group) => Hdf5Group } {
  let claimedBytes = 0;
  const mostBytes = Math.min(MAX_WEIGHT_BYTES, BELIEVED_BYTES + fileBytes * MAX_INFLATION);

  function datasetView(dataset: Dataset): Hdf5Dataset {
    const shape = dataset.shape ?? [];
    return {
      shape,
      isFloat32: dataset.dtype === "<f",
      readFloat32(name) {
        if (dataset.dtype !== "<f") throw weightsDtype(where, name, dtypeName(dataset.dtype));
        const count = sizeOf(shape);
        claimedBytes += count * 4; // a compressed dataset can claim far more than the file has
        if (claimedBytes > mostBytes) throw weightsTooLarge(where, `tensor "${name}"`, claimedBytes, mostBytes);
        const values = count === 0 ? new Float32Array() : dataset.value;
        if (!(values instanceof Float32Array) || values.length !== count) {
          throw weightsInvalid(where, `tensor "${name}" has no values of shape [${shape.join(", ")}]`);
        }
        return values;
      },
    };
  }

  function groupView(group: Group): Hdf5Group {
    const names = group.keys();
    // Asked only for what is there: h5wasm reports a missing path as an error of the library, which costs the instance.
    const member = (name: string): unknown => (names.includes(name) ? group.get(name) : null);
    const view: Hdf5Group = {
      keys: () => names,
      group(name) {
        const found = member(name);
        return found instanceof hdf5.Group ? groupView(found) : null;
      },
      dataset(path) {
        const slash = path.indexOf("/");
        if (slash >= 0) return view.group(path.slice(0, slash))?.dataset(path.slice(slash + 1)) ?? null;
        const found = member(path);
        return found instanceof hdf5.Dataset ? datasetView(found) : null;
      },
      texts(attribute) {
        const value: unknown = group.attrs[attribute]?.value;
        if (typeof value === "string") return [value];
        if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
        return ArrayBuffer.isView(value) && value.byteLength === 0 ? [] : null;
      },
    };
    return view;
  }

  return { group: groupView };
}

/**
 * Opens an HDF5 file held in memory and hands its root to `use`. For a thread of its own: a damaged file can
 * keep the library busy for ever.
 * @param where what error messages call the file
 * @throws ThawError `weights-invalid` for anything that HDF5 cannot read; what `use` throws
 */
export async function withHdf5<T>(bytes: Uint8Array, where: string, use: (root: Hdf5Group) => T): Promise<T> {
  checkGlobalHeaps(bytes, where);
  const hdf5 = await loadLibrary();
  if (hdf5.FS === null) throw new Error("h5wasm has no file system");
  const name = `/weights-${files++}.h5`; // a fresh name each: HDF5 would hand out a file still open under an old one
  try {
    hdf5.FS.writeFile(name, bytes);
    const file = new hdf5.File(name, "r");
    try {
      return use(fileViews(hdf5, where, bytes.byteLength).group(file));
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof ThawError) throw error;
    library = null;
    throw weightsInvalid(where, `HDF5 cannot read it (${innermostReason(error)})`, { cause: error });
  } finally {
    if (library !== null) hdf5.FS.unlink(name);
  }
}
