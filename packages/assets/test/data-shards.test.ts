import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inOrder } from "../src/data/pipeline.ts";
import { shardWriter } from "../src/data/shard-writer.ts";
import { openStore } from "../src/store.ts";
import { openWorkspace, type Workspace } from "./fixtures/data/workspace.ts";

let workspace: Workspace;

beforeEach(async () => {
  workspace = await openWorkspace();
});

afterEach(() => workspace.remove());

describe("shardWriter", () => {
  it.each([
    [0, 10, 25, []],
    [5, 5, 25, [2, 2, 1]],
    [4, 4, 25, [2, 2]],
    [3, 3, 9, [1, 1, 1]], // one image is larger than a shard may be
    [3, 8, 1000, [3]], // fewer came than were expected
  ])(
    "packs %i of %i expected images of 10 bytes into shards of at most %i bytes",
    async (count, expected, maxBytes, counts) => {
      const store = openStore(workspace.base);
      const writer = shardWriter(store, 10, expected, maxBytes);
      const images = Array.from({ length: count }, (_, index) => new Uint8Array(10).fill(index + 1));
      for (const image of images) await writer.add(image);
      const shards = await writer.finish();
      expect(shards.map((shard) => shard.count)).toEqual(counts);
      expect(shards.map(({ bytes }) => bytes)).toEqual(counts.map((each) => each * 10));
      const stored = await Promise.all(shards.map((shard) => store.read(shard)));
      expect(Buffer.compare(Buffer.concat(stored), Buffer.concat(images))).toBe(0);
    },
  );

  it("refuses an image of another size", async () => {
    const writer = shardWriter(openStore(workspace.base), 10, 1);
    await expect(writer.add(new Uint8Array(9))).rejects.toThrow("Expected 10 bytes, found 9.");
  });
});

describe("inOrder", () => {
  const after = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms));

  it("yields in order, with at most so many jobs started ahead", async () => {
    let started = 0;
    let taken = 0;
    let ahead = 0;
    const results: number[] = [];
    const job = async (item: number): Promise<number> => {
      started += 1;
      ahead = Math.max(ahead, started - taken);
      await after(item % 3);
      return item;
    };
    for await (const result of inOrder([5, 4, 3, 2, 1, 0], 2, job)) {
      taken += 1;
      results.push(result);
    }
    expect(results).toEqual([5, 4, 3, 2, 1, 0]);
    expect(ahead).toBe(2);
  });

  it("fails with the first failure in order, though a later job failed earlier", async () => {
    const results: number[] = [];
    const job = async (item: number): Promise<number> => {
      await after(item === 1 ? 5 : 0);
      if (item > 0) throw new Error(`job ${item}`);
      return item;
    };
    const consume = async (): Promise<void> => {
      for await (const result of inOrder([0, 1, 2, 3], 3, job)) results.push(result);
    };
    await expect(consume()).rejects.toThrow("job 1");
    expect(results).toEqual([0]);
  });
});
