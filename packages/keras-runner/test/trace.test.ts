import { mkdtempSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@thaw/assets";
import { blobPath, loadImages, networkOf, parseSafetensors, randomStream, STEP_FILE, sha256 } from "@thaw/core";
import { contractPlan } from "@thaw/core/contract";
import { describe, expect, it } from "vitest";
import { JUDGE, kerasEvents } from "./keras-run.ts";

const store = openStore(mkdtempSync(join(tmpdir(), "thaw-")));

describe("the trace of runner keras", () => {
  it("proves that augmented batches and dropout masks are core's", { timeout: 240_000 }, async () => {
    const augmentation = { horizontalFlip: true, maxShift: 4 };
    const model = { alpha: 0.35, imageSize: 32, weights: "random", head: { dropout: 0.4 } } as const;
    const plan = await contractPlan(store, { augmentation, model, freeze: 155 });
    const trace = { folder: store.folder, weightsAt: [2] };
    const events = await kerasEvents(plan, { storeDir: store.folder, settings: JUDGE, trace });
    const end = events.at(-1);
    if (end?.type !== "end") throw new Error("the run did not end");

    const { spec, splits, dataset } = plan;
    const images = await loadImages(dataset, "tf", ({ sha256: name }) => readFile(join(store.folder, blobPath(name))));
    const order = randomStream(spec.seed, "order/1").shuffle([...splits.train]);
    const random = randomStream(spec.seed, "augment/1");
    for (const [index, step] of (end.outcome.trace?.steps ?? []).entries()) {
      const indices = order.slice(index * spec.batchSize, (index + 1) * spec.batchSize);
      const pixels = images.batch(indices, augmentation, random).map((value) => Math.round((value + 1) * 127.5));
      expect(step.images).toBe(await sha256(Uint8Array.from(pixels)));
      const labels = Int32Array.from(indices, (image) => dataset.labels[image] ?? 0);
      expect(step.labels).toBe(await sha256(new Uint8Array(labels.buffer)));
    }
    expect(end.outcome.trace?.steps).toHaveLength(2);
    expect(end.outcome.trace?.trained).toEqual(["head/bias", "head/kernel"]);

    const step = parseSafetensors(readFileSync(join(store.folder, STEP_FILE)), STEP_FILE);
    const layers = networkOf(plan).layers.map(({ name }) => name);
    expect([...step.keys()].filter((name) => name.startsWith("activations/"))).toEqual(
      layers.map((name) => `activations/${name}`),
    );
    const [features, dropped] = ["global_average_pooling2d", "head_dropout"].map(
      (name) => step.get(`activations/${name}`)?.data ?? [],
    );
    const mask = randomStream(spec.seed, "dropout/head_dropout/1");
    for (const [index, feature] of (features ?? []).entries()) {
      const kept = mask.uniform() < 0.4 ? 0 : 1 / 0.6;
      expect(dropped?.[index]).toBe(feature * kept);
    }
  });
});
