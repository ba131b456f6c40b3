import type { ParityReport, ReportedRunner, RungResult } from "@thaw/core/parity";
import { create } from "xmlbuilder2";
import { verdictLine } from "./verdict.ts";
import { cellTitle, driftValue, measureText, referenceName } from "./wording.ts";

/** An element of the document: a leaf's text, or attributes by `@name` and children by their names. */
type Node = { readonly [name: string]: string | Node | readonly Node[] };

/** Seconds of what is not timed alone: readers expect the attribute. */
const UNTIMED = "0";

/** A suite with what its attributes count. */
interface Suite {
  readonly name: string;
  readonly cases: readonly Node[];
  readonly properties: readonly Node[];
  readonly output: string;
}

/** What a test case says beside its name: `failure`, `error` and `skipped` as JUnit has them. */
function outcomeOf(cell: RungResult): Node {
  const title = cellTitle(cell);
  const note = cell.note ?? "";
  if (cell.status === "not-run") return { skipped: { "@message": note || "not run" } };
  if (cell.status === "error")
    return { error: { "@message": note || "could not be judged", "@type": title, "#": note } };
  if (cell.status === "pass") return cell.worst === null ? {} : { "system-out": `worst: ${measureText(cell.worst)}` };
  const [first] = cell.failures;
  const more = cell.failed - cell.failures.length;
  const worst = cell.worst === null ? "" : `worst: ${measureText(cell.worst)}`;
  const details = [note, worst, ...cell.failures.map(measureText), more > 0 ? `and ${more} more` : ""];
  return {
    failure: {
      "@message": first === undefined ? note : measureText(first),
      "@type": title,
      "#": details.filter((line) => line !== "").join("\n"),
    },
  };
}

function propertiesOf(report: ParityReport, { environment }: ReportedRunner): readonly Node[] {
  const { engine, device, adapter, settings, versions } = environment ?? {};
  const entries: readonly (readonly [string, unknown])[] = [
    ["reference", referenceName(report)],
    ["engine", engine],
    ["device", device?.name],
    ["software", device?.software],
    ["driver", adapter?.driver],
    ...Object.entries(settings ?? {}).map(([name, value]) => [`setting.${name}`, value] as const),
    ...Object.entries(versions ?? {}).map(([name, value]) => [`version.${name}`, value] as const),
  ];
  return entries.flatMap(([name, value]) => (value === undefined ? [] : [{ "@name": name, "@value": String(value) }]));
}

function driftText({ drift = [] }: ParityReport, name: string): string {
  return drift
    .filter(({ runner }) => runner === name)
    .flatMap(({ what, before, now, environmentChanges, ...cell }) => [
      `drift: ${cellTitle(cell)}: ${what}: ${driftValue(before)} → ${driftValue(now)}`,
      ...environmentChanges.map((change) => `  ${change}`),
    ])
    .join("\n");
}

function suiteOf(report: ParityReport, runner: ReportedRunner): Suite {
  const { name, required, missing } = runner;
  const testcase = (title: string, outcome: Node): Node => ({
    "@classname": `${report.name}.${name}`,
    "@name": title,
    "@time": UNTIMED,
    ...outcome,
  });
  const message = missing === undefined ? "" : `${missing.reason} ${missing.hint}`;
  const absence = required
    ? { error: { "@message": message, "@type": missing?.code ?? "", "#": message } }
    : { skipped: { "@message": message } };
  const judged = report.results.filter((cell) => cell.runner === name);
  return {
    name,
    cases: [
      ...(missing === undefined ? [] : [testcase("available", absence)]),
      ...judged.map((cell) => testcase(cellTitle(cell), outcomeOf(cell))),
    ],
    properties: propertiesOf(report, runner),
    output: driftText(report, name),
  };
}

/** Adds a failure where the report did not pass for a reason that no runner's case shows, drift for instance. */
function withVerdict(report: ParityReport, suites: readonly Suite[]): readonly Suite[] {
  const shown = suites.some(({ cases }) => cases.some((node) => "failure" in node || "error" in node));
  if (report.passed || shown) return suites;
  const message = verdictLine(report);
  const failure = { "@message": message, "@type": "verdict", "#": message };
  const cases = [{ "@classname": report.name, "@name": "verdict", "@time": UNTIMED, failure }];
  return [...suites, { name: "report", cases, properties: [], output: "" }];
}

function countsOf(cases: readonly Node[]): Node {
  const having = (kind: string): string => String(cases.filter((node) => kind in node).length);
  return {
    "@tests": String(cases.length),
    "@failures": having("failure"),
    "@errors": having("error"),
    "@skipped": having("skipped"),
  };
}

/** A parity report as JUnit XML: a suite for each runner, a case for each rung and depth. */
export function parityJunit(report: ParityReport): string {
  const names = new Set(report.runners.map(({ name }) => name));
  const strangers = [...new Set(report.results.map(({ runner }) => runner))].filter((name) => !names.has(name));
  const runners = [...report.runners, ...strangers.map((name) => ({ name, environment: null, required: false }))];
  const suites = withVerdict(
    report,
    runners.map((runner) => suiteOf(report, runner)),
  );
  const { "@skipped": _skipped, ...total } = countsOf(suites.flatMap(({ cases }) => cases)); // only suites have it
  const document: Node = {
    testsuites: {
      "@name": report.name,
      ...total,
      "@time": (report.wallMs / 1000).toFixed(3),
      testsuite: suites.map(({ name, cases, properties, output }) => ({
        "@name": name,
        ...countsOf(cases),
        "@time": UNTIMED,
        "@timestamp": report.startedAt.slice(0, "2026-01-01T00:00:00".length),
        ...(properties.length === 0 ? {} : { properties: { property: properties } }),
        testcase: cases,
        ...(output === "" ? {} : { "system-out": output }),
      })),
    },
  };
  const options = { version: "1.0", encoding: "UTF-8", invalidCharReplacement: "\u{fffd}" } as const;
  return `${create(options, document).end({ prettyPrint: true })}\n`;
}
