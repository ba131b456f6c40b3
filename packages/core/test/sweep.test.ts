import { describe, expect, it } from "vitest";
import { parseSweep } from "../src/spec/parse.ts";
import type { Sweep, SweepInput } from "../src/spec/schema.ts";
import { checkGroups, expandGroup, sweepOf } from "../src/spec/sweep.ts";
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

  it("refuses two cells that are the same", async () => {
    const error = await failureOf(() => expand({ vary: { seed: [1, 1] } }));
    expect([error.code, error.message]).toEqual([
      "spec-invalid",
      'Sweep "s", group "g": cell "s-g-seed-1" is there twice.',
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
    [[{ name: "a" }, { name: "a" }], 'group "a" is there twice', undefined],
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
