import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSpec, type Spec } from "@thaw/core";
import { afterAll, describe, expect, it } from "vitest";
import { planner, preparePlan } from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "thaw-planner-"));
const options = { baseDir: folder, env: { THAW_CACHE: join(folder, "cache") } };
const SPEC = {
  version: 1,
  name: "planned",
  model: { alpha: 0.35, imageSize: 32, weights: "random" },
  data: { kind: "builtin", name: "fashion-shoes", limit: 30 },
  split: { validation: 0.2, test: 0.2 },
  batchSize: 8,
  epochs: 1,
};

function specWith(changes: object): Spec {
  return parseSpec({ ...SPEC, ...changes }, { where: "a test" });
}

describe("a planner", () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  it("plans as if each spec were alone: other seeds, depths, sizes, sets", async () => {
    const specs = [
      specWith({}),
      specWith({ freeze: 100 }),
      specWith({ seed: 2 }), // of a limit the seed chooses the images
      specWith({ seed: 2, data: { kind: "builtin", name: "fashion-shoes" } }),
      specWith({ seed: 3, data: { kind: "builtin", name: "fashion-shoes" } }),
      specWith({ model: { ...SPEC.model, imageSize: 40 } }),
      specWith({ model: { ...SPEC.model, alpha: 0.5 } }),
      specWith({}),
    ];
    const prepare = planner(options);
    for (const spec of specs) expect(await prepare(spec)).toEqual(await preparePlan(spec, options));
  });

  it("reads images that neighbours share once", async () => {
    const prepare = planner(options);
    const whole = { kind: "builtin", name: "fashion-shoes" };
    const first = await prepare(specWith({ data: whole }));
    const second = await prepare(specWith({ data: whole, seed: 2, freeze: 50 }));
    expect(second.plan.dataset).toBe(first.plan.dataset);
    expect(second.plan.planHash).not.toBe(first.plan.planHash);
    const other = await prepare(specWith({ seed: 2 }));
    expect(other.plan.dataset).not.toBe(first.plan.dataset);
  });

  it("tries again what has failed", async () => {
    const prepare = planner(options);
    const missing = specWith({ data: { kind: "folder", path: "photos" } });
    await expect(prepare(missing)).rejects.toMatchObject({ code: "data-not-found" });
    mkdirSync(join(folder, "photos"));
    await expect(prepare(missing)).rejects.toMatchObject({ code: expect.not.stringContaining("data-not-found") });
    expect((await prepare(specWith({}))).plan.dataset.labels.length).toBe(30);
  });
});
