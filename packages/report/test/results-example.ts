import { readFileSync } from "node:fs";
import { buildNetwork, type PhaseSummary, type Result, resolveFreeze } from "@thaw/core";
import { groupRows, type ReportRow } from "../src/rows/report-rows.ts";

const FILE = new URL("fixtures/results.json", import.meta.url);

type Trimmed = Omit<Result, "phases"> & { readonly phases: readonly Omit<PhaseSummary, "layers">[] };

/**
 * Real results over photos of shoes, trimmed by `scripts/trim-results.mjs`; layers as core resolves them: depths with
 * seeds, a head alone on two runners, multiplied rates, batch normalization in inference mode, and two phases.
 */
export function allResults(): Result[] {
  const trimmed = JSON.parse(readFileSync(FILE, "utf8")) as Trimmed[];
  return trimmed.map((result) => {
    const network = buildNetwork(result.spec.model, result.data.classes.length);
    const phases = result.phases.map((phase) => ({
      ...phase,
      layers: resolveFreeze(phase.freeze, network.base.layers, network.head, result.spec),
    }));
    return { ...result, phases };
  });
}

/** Of these the group of depths: nothing frozen and 100 layers with three seeds, 154 layers with one. */
export function exampleResults(): Result[] {
  return allResults().filter(({ sweep }) => sweep?.group === "depth");
}

/** One row of the example by what its cells' names begin with. */
export function exampleRow(prefix: string, results: readonly Result[] = exampleResults()): ReportRow {
  const wanted = results.filter(({ cell }) => cell.startsWith(prefix));
  const row = groupRows(wanted)[0]?.rows[0];
  if (row === undefined) throw new Error(`No example begins with ${prefix}.`);
  return row;
}

/** A result as Thaw 0.1 wrote it: it does not say which images were held out, nor how sure it was. */
export function olderResult({ certainty: _certainty, ...result }: Result): Result {
  const { heldOut: _heldOut, ...data } = result.data;
  return { ...result, data };
}
