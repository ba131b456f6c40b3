import type { PixelBatch } from "@thaw/core";

/** Batches of images that are asked for one by one. */
export interface AskedBatches {
  /** Takes an answer; null says that there are no more. */
  give(batch: PixelBatch | null): void;
  /** The batches in order. While one is worked on, the next is on its way. */
  batches(): AsyncGenerator<PixelBatch>;
}

/** @param ask asks for a batch, which `give` brings */
export function askedBatches(ask: () => Promise<void>): AskedBatches {
  const given: (PixelBatch | null)[] = [];
  let wake: () => void = () => undefined;

  async function next(): Promise<PixelBatch | null> {
    for (;;) {
      const batch = given.shift();
      if (batch !== undefined) return batch;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    give(batch) {
      given.push(batch);
      wake();
    },
    async *batches() {
      await ask();
      for (let batch = await next(); batch !== null; batch = await next()) {
        await ask();
        yield batch;
      }
    },
  };
}
