import { readdirSync, readFileSync } from "node:fs";
import {
  checkGroups,
  type Dataset,
  expandGroup,
  makePlan,
  type Plan,
  parseSpec,
  parseSweep,
  type Spec,
  ThawError,
} from "@thaw/core";
import { describe, expect, it } from "vitest";

const SPECS = new URL("../specs/", import.meta.url);
const RECIPES = new URL("recipes/", SPECS);
const FINDER = "learning-rate-finder.json";

function read(name: string, folder: URL = RECIPES): Record<string, unknown> & { experiment?: object } {
  return JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Record<string, unknown>;
}

/** Labels and photographers, enough to split; planning looks at no pixel. */
const LABELS = Array.from({ length: 120 }, (_, index) => index % 6);
const DATASET: Dataset = {
  source: "labels alone",
  imageShape: [160, 160, 3],
  shards: [],
  hashes: LABELS.map(() => ""),
  classes: ["a", "b", "c", "d", "e", "f"],
  labels: LABELS,
  ids: LABELS.map((_, index) => `photo-${index}`),
  groups: LABELS.map((_, index) => `photographer-${index % 20}`),
  decoding: {},
};

function plan(spec: Spec): Promise<Plan> {
  return makePlan({ spec, weights: { blob: null, source: "none" }, headWeights: null, dataset: DATASET, warnings: [] });
}

function cellsOf(name: string, folder?: URL): ReturnType<typeof expandGroup> {
  const sweep = parseSweep(read(name, folder), { where: name });
  checkGroups(sweep);
  return sweep.groups.flatMap((group) => expandGroup(sweep, group, 50));
}

/** Multipliers of a cell's first or only phase, by layer. */
async function multipliers(name: string, label: string): Promise<(layer: string) => number | undefined> {
  const cell = cellsOf(name).find((each) => each.label === label);
  if (cell === undefined) throw new Error(`There is no cell ${label}.`);
  const { phases } = await plan(cell.spec);
  return (layer) => phases[0]?.treatments.find((treatment) => treatment.name === layer)?.lrMultiplier;
}

describe("the recipes' specs", () => {
  const sweeps = readdirSync(RECIPES).filter((name) => name !== FINDER);

  it.each(sweeps)("%s parses, and each of its cells can be planned", async (name) => {
    const cells = cellsOf(name);
    const hashes = await Promise.all(cells.map(async ({ spec }) => (await plan(spec)).planHash));
    expect(cells.length).toBeGreaterThan(3);
    expect(new Set(hashes).size).toBe(cells.length);
  });

  it.each(sweeps.filter((name) => name !== "pilot.json"))("%s gives every recipe the same five seeds", (name) => {
    const cells = cellsOf(name);
    const seeds = cells.map(({ spec }) => spec.seed);
    expect([...new Set(seeds)]).toEqual([1, 2, 3, 4, 5]);
    for (const seed of [1, 2, 3, 4, 5]) {
      expect(seeds.filter((each) => each === seed).length).toBe(cells.length / 5);
    }
  });

  it("learning-rate-finder.json is one experiment, for thaw find-lr", async () => {
    expect((await plan(parseSpec(read(FINDER)))).phases.length).toBe(1);
  });

  it("gives a seed's recipes the same test images", async () => {
    const ofSeed = cellsOf("unfreezing.json").filter(({ spec }) => spec.seed === 3);
    const plans = await Promise.all(ofSeed.map(({ spec }) => plan(spec)));
    expect(plans.length).toBe(6);
    for (const { splits } of plans) expect(splits).toEqual(plans[0]?.splits);
  });

  it("lowers the rate block by block in the discriminative recipe", async () => {
    const of = await multipliers("unfreezing.json", "discriminative_seed-1");
    const layers = ["head", "Conv_1", "block_14_expand", "block_13_project_BN", "block_10_expand", "block_9_project"];
    expect([...layers, "block_7_expand", "block_6_project", "Conv1"].map(of)).toEqual([
      1, 0.3, 0.3, 0.1, 0.1, 0.03, 0.03, 0, 0,
    ]);
  });

  it("unfreezes from the top block down in the gradual recipe", async () => {
    const cell = cellsOf("unfreezing.json").find(({ label }) => label === "gradual_seed-1");
    const { phases } = await plan(cell?.spec ?? parseSpec({}));
    expect(phases.map(({ name, epochs }) => `${name} ${epochs}`)).toEqual([
      "head 8",
      "block_16 3",
      "block_13 3",
      "block_10 3",
      "block_7 3",
    ]);
    const weights = phases.map(({ trainable }) => trainable.params);
    expect([...weights].sort((a, b) => a - b)).toEqual(weights);
  });

  it("fails for a rule that names a block which is not there", async () => {
    const text = JSON.stringify(read("unfreezing.json")).replaceAll("block_[7-9]_.*", "block_17_.*");
    const sweep = parseSweep(JSON.parse(text));
    const [group] = sweep.groups;
    if (group === undefined) throw new Error("There is no group.");
    const cell = expandGroup(sweep, group).find(({ label }) => label === "discriminative_seed-1");
    await expect(plan(cell?.spec ?? parseSpec({}))).rejects.toThrow('"block_17_.*" matches no layer');
  });

  it("fails for a field that is misspelt in a cell", () => {
    const text = JSON.stringify(read("augmentation.json")).replace("maxShift", "maxshift");
    expect(() => parseSweep(JSON.parse(text))).toThrow(ThawError);
    expect(() => parseSweep(JSON.parse(text))).toThrow('unknown key "maxshift"; did you mean "maxShift"?');
  });
});

describe("the article's settings", () => {
  it("are those of article.json, sweep A", () => {
    const article = parseSweep(read("article.json", SPECS)).experiment;
    const seeded = parseSweep(read("depth-article.json")).experiment;
    expect({ ...seeded, name: article.name }).toEqual(article);
  });

  it("still make the cells that they made before sweeps could vary more, with their labels and hashes", async () => {
    const cells = cellsOf("article.json", SPECS);
    const made = cells.map(async ({ group, label, spec }) => {
      const { planHash, specHash } = await plan(spec);
      return `${group} ${label} ${planHash.slice(0, 12)} ${specHash.slice(0, 12)}`;
    });
    expect(await Promise.all(made)).toEqual([
      "A freeze-0_lr-1e-5 8c695a08f522 2e6b3bec6bc4",
      "A freeze-50_lr-1e-5 9e582697569d dc089eb146ee",
      "A freeze-100_lr-1e-5 febfcc64addc 4a0538540b77",
      "A freeze-154_lr-1e-5 4c413e9c8645 0088997eaef2",
      "B lr-1e-4 66f6a40faaf7 8ab6e5fa2e05",
      "B lr-1e-5 8e3e0df91e88 77b5ad6cbba3",
      "B lr-1e-6 5a947189ed48 6be15aa29a0e",
      "transfer head-only 76d2c87e3673 3d4028efb742",
    ]);
  });
});
