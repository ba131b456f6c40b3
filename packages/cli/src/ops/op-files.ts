import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { OpEvidence, OpSuite, OpVerdict } from "@thaw/core";
import { issueText } from "@thaw/tfjs-ops";
import { caseKey, type Opinion, type OpRun } from "./op-run.ts";
import { summarize } from "./op-table.ts";

/** JSON knows no infinity: as a word. */
function finite(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** A list as JSON, an entry a line: so that a diff shows what came and went. */
function lines(entries: readonly unknown[], indent: string): string {
  return `[\n${entries.map((entry) => indent + JSON.stringify(entry, finite)).join(",\n")}\n${indent.slice(2)}]`;
}

/** Findings of one operation, each smallest case once. */
function evidenceByOp(verdicts: readonly OpVerdict[]): ReadonlyMap<string, readonly OpEvidence[]> {
  const byOp = new Map<string, Map<string, OpEvidence>>();
  for (const { op, evidence = [] } of verdicts) {
    const own = byOp.get(op) ?? new Map<string, OpEvidence>();
    for (const entry of evidence) if (!own.has(caseKey(entry))) own.set(caseKey(entry), entry);
    byOp.set(op, own);
  }
  return new Map([...byOp].map(([op, own]) => [op, [...own.values()]]));
}

/** Every finding's case of a run. */
export function findings(run: OpRun): OpEvidence[] {
  return [...evidenceByOp(run.verdicts).values()].flat();
}

/** Everything that came of a suite, as JSON; the code that shows a finding is in its issue text. */
export function opReport(
  suite: OpSuite,
  runs: readonly OpRun[],
  opinions: readonly ReadonlyMap<string, Opinion>[],
): string {
  const runners = runs.map((run) => {
    const { browser: _, ...versions } = run.environment.versions; // a path of this machine
    const wrong = run.verdicts.filter(({ problems }) => problems.length > 0);
    const reported = wrong.map(({ evidence = [], ...verdict }) => ({
      ...verdict,
      evidence: evidence.map(({ code: __, original: ___, ...entry }) => ({
        ...entry,
        others: othersOf(run, entry, runs, opinions),
      })),
    }));
    return [
      "    {",
      `      "runner": ${JSON.stringify(run.runner)},`,
      `      "environment": ${JSON.stringify({ ...run.environment, versions })},`,
      `      "seconds": ${Math.round(run.seconds)},`,
      `      "cases": ${run.verdicts.length},`,
      `      "ops": ${lines(summarize(run.verdicts), "        ")},`,
      `      "findings": ${lines(reported, "        ")}`,
      "    }",
    ].join("\n");
  });
  return `{\n  "suite": ${JSON.stringify(suite)},\n  "runners": [\n${runners.join(",\n")}\n  ]\n}\n`;
}

function othersOf(
  run: OpRun,
  evidence: Pick<OpEvidence, "testCase">,
  runs: readonly OpRun[],
  opinions: readonly ReadonlyMap<string, Opinion>[],
): Opinion[] {
  return runs.flatMap((other, index) => {
    const opinion = other === run ? undefined : opinions[index]?.get(caseKey(evidence));
    return opinion === undefined ? [] : [opinion];
  });
}

function fileName(backend: string, op: string): string {
  const plain = (name: string): string => name.replaceAll(/[^\w.]+/g, "-").replace(/-$/, "");
  return `${plain(backend)}-${plain(op).replace(/^tf\./, "")}`.slice(0, 120).concat(".md");
}

/**
 * Writes `ops-<suite>.json`, and an issue text for each operation that is wrong on a backend.
 * @returns the files
 */
export async function writeOpFiles(
  folder: string,
  suite: OpSuite,
  runs: readonly OpRun[],
  opinions: readonly ReadonlyMap<string, Opinion>[],
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const report = join(folder, `ops-${suite}.json`);
  await writeFile(report, opReport(suite, runs, opinions));
  const files = [report];
  for (const run of runs) {
    for (const [op, evidence] of evidenceByOp(run.verdicts)) {
      const [first] = evidence;
      if (first === undefined || evidence.every(({ kind }) => kind === "not-implemented")) continue;
      const own = run.verdicts.filter((verdict) => verdict.op === op);
      const texts = evidence.map((entry) =>
        issueText(entry, {
          op,
          environment: run.environment,
          failing: own.filter(({ problems }) => problems.length > 0).length,
          cases: own.length,
          others: othersOf(run, entry, runs, opinions),
        }),
      );
      const file = join(folder, fileName(first.backend, op));
      await writeFile(file, texts.join("\n---\n\n"));
      files.push(file);
    }
  }
  return files;
}
