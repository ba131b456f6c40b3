import { describe, expect, it } from "vitest";
import { parseSweep } from "../src/spec/parse.ts";
import { checkGroups, expandGroup, sweepOf, unseededLabel } from "../src/spec/sweep.ts";
import type { Sweep, SweepInput } from "../src/spec/sweep-schema.ts";
import { failureOf } from "./failure.ts";
import { SHORTEST, specWith } from "./spec-example.ts";

const ADAM = { name: "adam", beta1: 0.8 } as const;

function sweepWith(groups: SweepInput["groups"]): Sweep {
  return parseSweep({ version: 1, name: "s", experiment: { ...SHORTEST, optimizer: ADAM }, groups });
}

function expand(
  group: Omit<SweepInput["groups"][number], "name">,
  bestFreeze?: number,
): ReturnType<typeof expandGroup> {
  const sweep = sweepWith([{ name: "g", ...group }]);
  const [first] = sweep.groups;
  if (first === undefined) throw new Error("There is no group.");
  return expandGroup(sweep, first, bestFreeze);
}

describe("expandGroup", () => {
  it("makes every combination, the first key outermost", () => {
    const cells = expand({ vary: { freeze: [0, "block_1_expand"], learningRate: [1e-4, 1e-5] } });
    expect(cells.map((cell) => cell.label)).toEqual([
      "freeze-0_lr-1e-4",
      "freeze-0_lr-1e-5",
      "freeze-block_1_expand_lr-1e-4",
      "freeze-block_1_expand_lr-1e-5",
    ]);
    expect(cells.map(({ spec }) => [spec.freeze, spec.optimizer.learningRate])).toEqual([
      [0, 1e-4],
      [0, 1e-5],
      ["block_1_expand", 1e-4],
      ["block_1_expand", 1e-5],
    ]);
    expect(cells[0]?.spec.name).toBe("s-g-freeze-0_lr-1e-4");
  });

  it("keeps the rest of the experiment, the other fields of the optimizer too", () => {
    const [cell] = expand({ vary: { learningRate: [0.5], epochs: [3], batchSize: [7], seed: [9] } });
    expect(cell?.spec.optimizer).toMatchObject({ name: "adam", beta1: 0.8, learningRate: 0.5 });
    expect([cell?.spec.epochs, cell?.spec.batchSize, cell?.spec.seed]).toEqual([3, 7, 9]);
    expect(cell?.spec.data).toEqual(SHORTEST.data);
  });

  it("adds cells one by one, with their labels", () => {
    const cells = expand({ cells: [{ freeze: 154, label: "transfer" }, { frozenBatchNorm: "batch-stats" }] });
    expect(cells.map((cell) => cell.label)).toEqual(["transfer", "frozenBatchNorm-batch-stats"]);
    expect(cells.map(({ spec }) => [spec.freeze, spec.frozenBatchNorm])).toEqual([
      [154, "inference"],
      [0, "batch-stats"],
    ]);
    expect(expand({ vary: { seed: [1, 2] }, cells: [{ freeze: 154 }] })).toHaveLength(3);
  });

  it("is the experiment itself for a group without cells", () => {
    expect(expand({}).map(({ label, spec }) => [label, spec.freeze])).toEqual([["base", 0]]);
  });

  it("takes over the best freeze policy, which a cell may override", () => {
    const cells = expand({ cells: [{ seed: 1 }, { freeze: 5, seed: 2 }] }, 100);
    expect(cells.map((cell) => cell.spec.freeze)).toEqual([100, 5]);
  });

  it("varies augmentation, batch normalization and dropout, with readable labels", () => {
    const cells = expand({
      vary: { augmentation: [{}, { horizontalFlip: true }, { horizontalFlip: true, maxShift: 14 }], dropout: [0.2] },
    });
    expect(cells.map(({ label }) => label)).toEqual([
      "augmentation-none_dropout-0.2",
      "augmentation-flip_dropout-0.2",
      "augmentation-flip-shift-14_dropout-0.2",
    ]);
    expect(cells.map(({ spec }) => spec.augmentation)).toEqual([
      { horizontalFlip: false, maxShift: 0 },
      { horizontalFlip: true, maxShift: 0 },
      { horizontalFlip: true, maxShift: 14 },
    ]);
    expect(cells.map(({ spec }) => spec.model.head)).toEqual(Array(3).fill({ name: "head", dropout: 0.2 }));
    const norms = expand({ vary: { frozenBatchNorm: ["batch-stats"], batchNorm: ["keras", "inference-all"] } });
    expect(norms.map(({ label }) => label)).toEqual([
      "frozenBatchNorm-batch-stats_batchNorm-keras",
      "frozenBatchNorm-batch-stats_batchNorm-inference-all",
    ]);
  });

  it("takes a cell's optimizer whole, and a rate beside it", () => {
    const sgd = { name: "sgd", momentum: 0.9 } as const;
    const cells = expand({ cells: [{ optimizer: sgd }, { optimizer: sgd, learningRate: 0.5 }] });
    expect(cells.map(({ label, spec }) => [label, spec.optimizer])).toEqual([
      ["sgd_lr-1e-2", { ...sgd, nesterov: false, learningRate: 0.01 }],
      ["lr-5e-1_sgd", { ...sgd, nesterov: false, learningRate: 0.5 }],
    ]);
  });

  it("trains a cell in phases in place of the experiment's epochs", () => {
    const phases = [{ name: "head", epochs: 2, freeze: 154 }, { epochs: 3 }];
    const experiment = { ...SHORTEST, epochs: 20 };
    const sweep = parseSweep({ version: 1, name: "s", experiment, groups: [{ name: "g", cells: [{ phases }, {}] }] });
    const [group] = sweep.groups;
    const cells = group === undefined ? [] : expandGroup(sweep, group);
    expect(cells.map(({ label, spec }) => [label, spec.phases, spec.epochs])).toEqual([
      ["phases-head-3", phases, 1],
      ["base", undefined, 20],
    ]);
  });

  it("makes one of each seed out of every cell, seed by seed", () => {
    const cells = expand({ vary: { freeze: [0, 50] }, cells: [{ label: "head", freeze: 154 }], seeds: [3, 4] });
    expect(cells.map(({ label, spec }) => [label, spec.freeze, spec.seed])).toEqual([
      ["freeze-0_seed-3", 0, 3],
      ["freeze-50_seed-3", 50, 3],
      ["head_seed-3", 154, 3],
      ["freeze-0_seed-4", 0, 4],
      ["freeze-50_seed-4", 50, 4],
      ["head_seed-4", 154, 4],
    ]);
    expect(cells.map(({ label, spec }) => unseededLabel(label, spec.seed)).slice(1, 3)).toEqual(["freeze-50", "head"]);
    expect(expand({ seeds: [7] }).map(({ label }) => [label, unseededLabel(label, 7)])).toEqual([["seed-7", "base"]]);
  });

  it("refuses seeds beside a cell's own seed", async () => {
    const error = await failureOf(() => expand({ vary: { seed: [1] }, seeds: [2] }));
    expect([error.code, error.message]).toEqual([
      "spec-invalid",
      'Sweep "s", group "g": seeds stands beside a cell that has a seed of its own.',
    ]);
  });

  it.each([
    [{ cells: [{ augmentation: { flip: true } }] }, 'groups.0.cells.0.augmentation: unknown key "flip"'],
    [{ vary: { dropout: [1] } }, "groups.0.vary.dropout.0: "],
    [
      { vary: { batchNorm: ["kears"] } },
      'groups.0.vary.batchNorm.0: expected "keras", "inference-all" (keras: trainable BN',
    ],
    [{ cells: [{ phases: [] }] }, "groups.0.cells.0.phases: "],
    [{ cells: [{ optimizer: { name: "adma" } }] }, "groups.0.cells.0.optimizer.name: "],
    [{ seeds: [-1] }, "groups.0.seeds.0: "],
  ])("refuses %j", async (group, message) => {
    const groups = [{ name: "g", ...group }];
    const error = await failureOf(() => parseSweep({ version: 1, name: "s", experiment: SHORTEST, groups }));
    expect([error.code, error.message]).toEqual(["spec-invalid", expect.stringContaining(message)]);
  });

  it("refuses more cells than anybody runs before it makes them", async () => {
    const seeds = Array.from({ length: 150 }, (_, index) => index);
    const error = await failureOf(() =>
      expand({ vary: { seed: seeds, freeze: seeds, batchSize: seeds.map((n) => n + 1) } }),
    );
    expect([error.code, error.message]).toEqual([
      "spec-invalid",
      'Sweep "s", group "g": its lists make 3375000 cells, at most 20000 are made.',
    ]);
    expect(expand({ vary: { seed: seeds, freeze: seeds.slice(0, 4) } }).length).toBe(600);
  });

  it("takes cells whose long names part after their end", () => {
    const label = "x".repeat(79);
    const cells = expand({
      cells: [
        { label: `${label}a`, seed: 1 },
        { label: `${label}b`, seed: 2 },
      ],
    });
    expect(cells.map(({ spec }) => spec.name)).toEqual([`s-g-${label}`.slice(0, 80), `s-g-${label}`.slice(0, 80)]);
    expect(cells.map(({ spec }) => spec.seed)).toEqual([1, 2]);
  });

  it("refuses two cells that are the same", async () => {
    const error = await failureOf(() => expand({ vary: { seed: [1, 1] } }));
    expect([error.code, error.message]).toEqual([
      "spec-invalid",
      'Sweep "s", group "g": cell "seed-1" is there twice.',
    ]);
  });

  it("names the cell that breaks a rule between fields", async () => {
    const experiment = { ...SHORTEST, phases: [{ epochs: 1 }] };
    const sweep = parseSweep({ version: 1, name: "s", experiment, groups: [{ name: "g", vary: { epochs: [5] } }] });
    const [group] = sweep.groups;
    const error = await failureOf(() => group && expandGroup(sweep, group));
    expect(error.message).toContain('sweep "s", group "g", cell "epochs-5": epochs: stands beside phases');
  });
});

describe("checkGroups", () => {
  it("accepts bestOf an earlier group", () => {
    expect(() => checkGroups(sweepWith([{ name: "depths" }, { name: "rates", bestOf: "depths" }]))).not.toThrow();
  });

  it.each([
    [
      [{ name: "rates", bestOf: "depths" }, { name: "depths" }],
      'bestOf names no earlier group "depths"',
      /Put the group/,
    ],
    [[{ name: "depths" }, { name: "rates", bestOf: "depth" }], 'no earlier group "depth"', /Did you mean "depths"/],
    [[{ name: "a" }, { name: "a" }], 'group "a" is there twice', /a name of its own/],
  ])("refuses %j", async (groups, message, hint) => {
    const error = await failureOf(() => checkGroups(sweepWith(groups)));
    expect(error.code).toBe("spec-invalid");
    expect(error.message).toContain(message);
    if (hint !== undefined) expect(error.hint).toMatch(hint);
  });
});

describe("sweepOf", () => {
  it("is a sweep of one group", () => {
    const sweep = sweepOf(specWith({ seed: 4 }), { freeze: [0, 50] });
    const [group] = sweep.groups;
    if (group === undefined) throw new Error("There is no group.");
    expect(expandGroup(sweep, group).map(({ spec }) => [spec.freeze, spec.seed])).toEqual([
      [0, 4],
      [50, 4],
    ]);
  });
});
