import { canonicalJson, freezeLabel, initialLearningRate, type Result } from "@thaw/core";

/** One line of the report's table: an experiment on one runner, with one seed or with several. */
export interface ReportRow {
  /** Unique in the report, fit for an address. */
  readonly id: string;
  readonly group: string;
  /** The cell's label without its seed. */
  readonly label: string;
  readonly runner: string;
  /** Equal for rows that differ in nothing but runner, settings, name and place in a sweep. */
  readonly experiment: string;
  /** One a seed, by seed. */
  readonly runs: readonly [Result, ...Result[]];
  /** Further runs of a seed that is in `runs`. */
  readonly repeats: readonly Result[];
}

/** Rows of one group of a sweep, or the runs that belong to no sweep. */
export interface RowGroup {
  readonly name: string;
  readonly rows: readonly ReportRow[];
}

const SINGLE_RUNS = "single runs";

function groupOf({ sweep }: Result): string {
  return sweep === null ? SINGLE_RUNS : `${sweep.name}: ${sweep.group}`;
}

/** The label that rows of several seeds share. */
function labelOf({ sweep, spec }: Result): string {
  const label = (sweep?.label ?? spec.name).replace(/(^|_)seed-\d+(?=_|$)/, "").replace(/^_/, "");
  return label === "" ? "base" : label;
}

/** What decides an experiment beside its seed. */
function experimentOf({ spec }: Result): string {
  const { name: _name, seed: _seed, record: _record, $schema: _schema, ...rest } = spec;
  return canonicalJson(rest);
}

function rowOf(id: string, results: readonly [Result, ...Result[]]): ReportRow {
  const bySeed = new Map<number, Result>();
  const repeats: Result[] = [];
  for (const result of results) {
    if (bySeed.has(result.spec.seed)) repeats.push(result);
    else bySeed.set(result.spec.seed, result);
  }
  const [first] = results;
  const [run = first, ...others] = [...bySeed.values()].sort((a, b) => a.spec.seed - b.spec.seed);
  return {
    id,
    group: groupOf(first),
    label: labelOf(first),
    runner: first.runner,
    experiment: experimentOf(first),
    runs: [run, ...others],
    repeats,
  };
}

function collect<T>(items: readonly T[], key: (item: T) => string): readonly (readonly [T, ...T[]])[] {
  const found = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const list = found.get(key(item));
    if (list === undefined) found.set(key(item), [item]);
    else list.push(item);
  }
  return [...found.values()];
}

/**
 * Arranges results as the table shows them: groups and experiments in the order in which they were run, runners of one
 * experiment beside each other, seeds of one experiment in one row.
 */
export function groupRows(results: readonly Result[]): readonly RowGroup[] {
  const inOrder = [...results].sort((a, b) => a.finishedAt.localeCompare(b.finishedAt) || a.cell.localeCompare(b.cell));
  let count = 0;
  return collect(inOrder, groupOf).map((ofGroup) => {
    const rows = collect(ofGroup, (result) => `${labelOf(result)}\n${experimentOf(result)}`).flatMap((ofExperiment) =>
      collect(ofExperiment, (result) => `${result.runner}\n${canonicalJson(result.environment.settings)}`).map(
        (runs) => {
          count += 1;
          return rowOf(`row-${count}`, runs);
        },
      ),
    );
    return { name: groupOf(ofGroup[0]), rows };
  });
}

/** Every row of every group. */
export function allRows(groups: readonly RowGroup[]): readonly ReportRow[] {
  return groups.flatMap(({ rows }) => rows);
}

/** What a row freezes in its last phase, as a short word. */
export function depthOf({ runs: [{ phases, spec }] }: ReportRow): string {
  return freezeLabel(phases.at(-1)?.freeze ?? spec.freeze);
}

/** The rates that a row's phases start with: `1e-4`, `1e-3 → 1e-4`. */
export function ratesText({ runs: [{ phases }] }: Pick<ReportRow, "runs">): string {
  const rates = phases.map(({ optimizer }) => initialLearningRate(optimizer.learningRate));
  return rates.map((rate) => rate.toExponential().replace("+", "")).join(" → ");
}

/** The learning rate that a row's last phase starts with. */
export function rateOf({ runs: [{ phases, spec }] }: ReportRow): number {
  return initialLearningRate((phases.at(-1)?.optimizer ?? spec.optimizer).learningRate);
}
