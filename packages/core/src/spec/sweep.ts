import { ThawError } from "../error.ts";
import { FORMATS } from "../formats/formats.ts";
import { initialLearningRate } from "../train/schedule.ts";
import { nearest } from "./known-keys.ts";
import { parseSpec } from "./parse.ts";
import type { FreezePolicy, LearningRateSpec, OptimizerSpec, Spec } from "./schema.ts";
import type { Sweep, SweepCell } from "./sweep-schema.ts";

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

function rateLabel(rate: LearningRateSpec): string {
  return `lr-${initialLearningRate(rate).toExponential().replace("+", "")}`;
}

function augmentationLabel({ horizontalFlip, maxShift }: Spec["augmentation"]): string {
  const parts = [...(horizontalFlip ? ["flip"] : []), ...(maxShift > 0 ? [`shift-${maxShift}`] : [])];
  return `augmentation-${parts.join("-") || "none"}`;
}

/** A rate of the cell's own stands in the label already, and takes the place of the optimizer's. */
function optimizerLabel({ name, learningRate }: OptimizerSpec, ownRate: LearningRateSpec | undefined): string {
  return ownRate === undefined ? `${name}_${rateLabel(learningRate)}` : name;
}

function phasesLabel(phases: NonNullable<Spec["phases"]>): string {
  return `phases-${phases.map(({ name, epochs }) => name ?? epochs).join("-")}`;
}

function labelOf(cell: SweepCell): string {
  const { label: _label, freeze, learningRate, augmentation, optimizer, phases, ...plain } = cell;
  const written = {
    freeze: freeze === undefined ? undefined : `freeze-${freezeLabel(freeze)}`,
    learningRate: learningRate === undefined ? undefined : rateLabel(learningRate),
    augmentation: augmentation === undefined ? undefined : augmentationLabel(augmentation),
    optimizer: optimizer === undefined ? undefined : optimizerLabel(optimizer, learningRate),
    phases: phases === undefined ? undefined : phasesLabel(phases),
    ...Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, `${key}-${String(value)}`])),
  };
  const parts = Object.keys(cell).flatMap((key) => written[key as keyof typeof written] ?? []);
  return parts.join("_") || "base";
}

function cellLabel(cell: SweepCell): string {
  return cell.label ?? labelOf(cell);
}

/** More cells than anybody runs; lists that multiply to more are a slip, and would fill the memory. */
export const MAX_GROUP_CELLS = 20_000;

/** @throws ThawError `spec-invalid` for more cells than {@link MAX_GROUP_CELLS} */
function checkCount({ vary, cells = [], seeds = [0] }: SweepGroup, where: string): void {
  const varied = Object.values(vary ?? {}).reduce((product, values) => product * (values?.length ?? 1), 1);
  const count = (varied + cells.length) * seeds.length;
  if (count <= MAX_GROUP_CELLS) return;
  throw new ThawError("spec-invalid", `${where}: its lists make ${count} cells, at most ${MAX_GROUP_CELLS} are made.`, {
    hint: "Shorten the lists in vary and seeds, or make several sweeps of it.",
  });
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
  const { label: _label, learningRate, dropout, optimizer, ...overrides } = cell;
  const label = cellLabel(cell);
  const base = sweep.experiment;
  const spec = parseSpec(
    {
      ...base,
      ...(bestFreeze === undefined ? {} : { freeze: bestFreeze }),
      ...(cell.phases === undefined ? {} : { epochs: 1 }), // phases have epochs of their own
      ...overrides,
      ...(dropout === undefined ? {} : { model: { ...base.model, head: { ...base.model.head, dropout } } }),
      optimizer: { ...(optimizer ?? base.optimizer), ...(learningRate === undefined ? {} : { learningRate }) },
      name: `${sweep.name}-${group}-${label}`.slice(0, 80),
    },
    { where: `sweep "${sweep.name}", group "${group}", cell "${label}"` },
  );
  return { group, label, spec };
}

/** Every cell with each seed, all cells of a seed before the next one: a sweep that is stopped has whole seeds. */
function withSeeds(cells: readonly SweepCell[], seeds: SweepGroup["seeds"], where: string): readonly SweepCell[] {
  if (seeds === undefined) return cells;
  if (cells.some(({ seed }) => seed !== undefined)) {
    throw new ThawError("spec-invalid", `${where}: seeds stands beside a cell that has a seed of its own.`, {
      hint: "Leave seed out of vary and cells, or give no seeds.",
    });
  }
  return seeds.flatMap((seed) => cells.map((cell) => ({ ...cell, label: seededLabel(cellLabel(cell), seed), seed })));
}

/** The label of a cell that was made by a group's `seeds`. */
function seededLabel(label: string, seed: number): string {
  return label === "base" ? `seed-${seed}` : `${label}_seed-${seed}`;
}

/** What a cell's label says beside its seed; `base` where it says no more. */
export function unseededLabel(label: string, seed: number): string {
  return label === `seed-${seed}` ? "base" : label.replace(new RegExp(`_seed-${seed}$`), "");
}

/**
 * The cells of a group: every combination in `vary`, then the `cells` one by one; a group with neither is the base spec.
 * `seeds` makes one of each seed out of every cell.
 * @param bestFreeze freeze policy of the best row of the group that `bestOf` names
 * @throws ThawError `spec-invalid` for two cells that are the same, seeds that stand beside a seed, or too many cells
 */
export function expandGroup(sweep: Sweep, group: SweepGroup, bestFreeze?: FreezePolicy): readonly ExpandedCell[] {
  const where = `Sweep "${sweep.name}", group "${group.name}"`;
  checkCount(group, where);
  const varied = group.vary === undefined && group.cells !== undefined ? [] : combinations(group.vary);
  const asked = withSeeds([...varied, ...(group.cells ?? [])], group.seeds, where);
  const cells = asked.map((cell) => applyCell(sweep, group.name, cell, bestFreeze));
  const labels = new Set<string>();
  // Not by the names of the specs: they are cut off, and what tells long ones apart may come after.
  const twice = cells.find(({ label }) => labels.size === labels.add(label).size);
  if (twice !== undefined) {
    throw new ThawError("spec-invalid", `${where}: cell "${twice.label}" is there twice.`, {
      hint: "Give the cells labels, or remove one.",
    });
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
    if (earlier.includes(name)) {
      throw new ThawError("spec-invalid", `Sweep "${sweep.name}": group "${name}" is there twice.`, {
        hint: "Give each group a name of its own.",
      });
    }
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
  return { version: FORMATS.sweep.version, name: spec.name, experiment: spec, groups: [{ name: "sweep", vary }] };
}
