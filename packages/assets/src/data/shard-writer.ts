import type { ImageShard } from "@thaw/core";
import type { Store } from "../store.ts";

/** At most so many bytes lie in one shard, unless one image alone is larger. */
const MAX_SHARD_BYTES = 64 * 1024 * 1024;

/** Packs images of one size into shards. */
export interface ShardWriter {
  /** @param pixels uint8 `[height, width, 3]`, copied */
  add(pixels: Uint8Array): Promise<void>;
  /** Stores what is left and returns all shards, in order. */
  finish(): Promise<readonly ImageShard[]>;
}

/**
 * Opens a writer that holds one shard in memory.
 * @param imageBytes size of each image
 * @param expected how many images will come at most
 */
export function shardWriter(
  store: Pick<Store, "put">,
  imageBytes: number,
  expected: number,
  maxBytes: number = MAX_SHARD_BYTES,
): ShardWriter {
  const capacity = Math.max(1, Math.min(expected, Math.floor(maxBytes / imageBytes)));
  const buffer = new Uint8Array(capacity * imageBytes);
  const shards: ImageShard[] = [];
  let count = 0;

  async function flush(): Promise<void> {
    if (count === 0) return;
    const ref = await store.put(buffer.subarray(0, count * imageBytes));
    shards.push({ sha256: ref.sha256, bytes: ref.bytes, count });
    count = 0;
  }

  return {
    async add(pixels) {
      if (pixels.byteLength !== imageBytes)
        throw new RangeError(`Expected ${imageBytes} bytes, found ${pixels.byteLength}.`);
      buffer.set(pixels, count * imageBytes);
      count += 1;
      if (count === capacity) await flush();
    },
    async finish() {
      await flush();
      return shards;
    },
  };
}
