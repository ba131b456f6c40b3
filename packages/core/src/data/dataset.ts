/** Bytes in the content-addressed store. */
export interface BlobRef {
  readonly sha256: string;
  readonly bytes: number;
}

/** A blob on a disk, to be read in parts. */
export interface BlobReader {
  /** Fills an array with what lies at `offset`. @throws Error where the blob ends before */
  readInto(offset: number, into: Uint8Array): void;
  close(): void;
}

/** A run of consecutive images in one blob: uint8 `[count, height, width, 3]`. */
export interface ImageShard extends BlobRef {
  readonly count: number;
}

/** A decoded and resized set of labelled images, by reference. */
export interface Dataset {
  /** What a person reads: folder name, file name or built-in id. */
  readonly source: string;
  readonly classes: readonly string[];
  /** `[height, width, 3]` of every image. */
  readonly imageShape: readonly [number, number, number];
  readonly shards: readonly ImageShard[];
  /** Class index per image, in shard order. */
  readonly labels: readonly number[];
  /** A stable name per image (relative path), for reports. */
  readonly ids: readonly string[];
  /** SHA-256 of each original file (or of the pixels), to find duplicates. */
  readonly hashes: readonly string[];
  /** Group per image (photographer), where the set knows one. */
  readonly groups?: readonly string[];
  /** How the images were made: decoder and version, resize rule. Part of the cache key. */
  readonly decoding: Readonly<Record<string, string | number>>;
}

/** Something about a dataset that its user should know. */
export interface DataWarning {
  readonly code: "empty-class" | "unreadable" | "duplicate" | "duplicate-across-splits" | "class-missing-in-split";
  readonly message: string;
  readonly items: readonly string[];
}

/** Where a blob lies below the store's folder, with `/` between the parts: the contract between store and runners. */
export function blobPath(sha256: string): string {
  return `blobs/${sha256.slice(0, 2)}/${sha256}`;
}
