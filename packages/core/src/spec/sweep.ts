import { ThawError } from "../error.ts";
import { initialLearningRate } from "../train/schedule.ts";
import { nearest } from "./known-keys.ts";
import { parseSpec } from "./parse.ts";
import type { FreezePolicy, Spec, Sweep, SweepCell } from "./schema.ts";

/** One cell of a sweep, ready to plan. */
export interface ExpandedCell {
  readonly group: string;
  readonly label: string;
  readonly spec: Spec;
}

type SweepGroup = Sweep["groups"][number];

/** A freeze policy as a short word for names and tables. */
export function freezeLabel(freeze: FreezePolicy): string {
  return Array.isArray(freeze) ? "rules" : String(freeze);
}

function labelOf(cell: SweepCell): string {
  const parts = Object.entries(cell).flatMap(([key, value]) => {
    if (value === undefined || key === "label") return [];
    if (key === "freeze") return [`freeze-${freezeLabel(value as FreezePolicy)}`];
    if (key === "learningRate")
      return [
        `lr-${initialLearningRate(value as Spec["optimizer"]["learningRate"])
          .toExponential()
          .replace("+", "")}`,
      ];
    return [`${key}-${String(value)}`];
  });
  return parts.join("_") || "base";
}

/** Every combination of the lists in `vary`, the first key outermost. */
function combinations(vary: SweepGroup["vary"]): readonly SweepCell[] {
  let cells: readonly SweepCell[] = [{}];
  for (const [key, values] of Object.entries(vary ?? {})) {
    if (values === undefined) continue;
    cells = cells.flatMap((cell) =>
      (values as readonly unknown[]).map((value) => ({ ...cell, [key]: value }) as SweepCell),
    );
  }
  return cells;
}

function applyCell(sweep: Sweep, group: string, cell: SweepCell, bestFreeze: FreezePolicy | undefined): ExpandedCell {
  const { label: _label, learningRate, ...overrides } = cell;
  const label = cell.label ?? labelOf(cell);
  const base = sweep.experiment;
  const spec = parseSpec(
    {
      ...base,
      ...(bestFreeze === undefined ? {} : { freeze: bestFreeze }),
      ...overrides,
      optimizer: learningRate === undefined ? base.optimizer : { ...base.optimizer, learningRate },
      name: `${sweep.name}-${group}-${label}`.slice(0, 80),
    },
    { where: `sweep "${sweep.name}", group "${group}", cell "${label}"` },
  );
  return { group, label, spec };
}

/**
 * The cells of a group: every combination in `vary`, then the `cells` one by one; a group with neither is the base spec.
 * @param bestFreeze freeze policy of the best row of the group that `bestOf` names
 * @throws ThawError `spec-invalid` for two cells that are the same
 */
export function expandGroup(sweep: Sweep, group: SweepGroup, bestFreeze?: FreezePolicy): readonly ExpandedCell[] {
  const varied = group.vary === undefined && group.cells !== undefined ? [] : combinations(group.vary);
  const cells = [...varied, ...(group.cells ?? [])].map((cell) => applyCell(sweep, group.name, cell, bestFreeze));
  const names = cells.map((cell) => cell.spec.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new ThawError(
      "spec-invalid",
      `Sweep "${sweep.name}", group "${group.name}": cell "${twice}" is there twice.`,
      {
        hint: "Give the cells labels, or remove one.",
      },
    );
  }
  return cells;
}

/**
 * Checks that groups have names of their own and that `bestOf` names an earlier one.
 * @throws ThawError `spec-invalid`
 */
export function checkGroups(sweep: Sweep): void {
  const earlier: string[] = [];
  for (const { name, bestOf } of sweep.groups) {
    if (earlier.includes(name))
      throw new ThawError("spec-invalid", `Sweep "${sweep.name}": group "${name}" is there twice.`);
    if (bestOf !== undefined && !earlier.includes(bestOf)) {
      const [near] = nearest(bestOf, earlier);
      throw new ThawError(
        "spec-invalid",
        `Sweep "${sweep.name}", group "${name}": bestOf names no earlier group "${bestOf}".`,
        {
          hint: near === undefined ? "Put the group that it refers to before it." : `Did you mean "${near}"?`,
        },
      );
    }
    earlier.push(name);
  }
}

/** A sweep of one group around a single spec, as `thaw sweep SPEC --freeze … --lr …` asks for. */
export function sweepOf(spec: Spec, vary: SweepGroup["vary"]): Sweep {
  return { version: 1, name: spec.name, experiment: spec, groups: [{ name: "sweep", vary }] };
}
