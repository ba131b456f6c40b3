import { XMLParser, XMLValidator } from "fast-xml-parser";
import { describe, expect, it } from "vitest";
import { parityJunit } from "../src/index.ts";
import { badReport, goodReport } from "./report-example.ts";

/** Attributes and children by name, as the parser gives them; what may be repeated is a list. */
interface Element {
  readonly "@name": string;
  readonly "@message"?: string;
  readonly "@type"?: string;
  readonly "#text"?: string;
  readonly testsuite?: readonly Element[];
  readonly testcase?: readonly Element[];
  readonly failure?: readonly Element[];
  readonly error?: readonly Element[];
  readonly skipped?: readonly Element[];
  readonly properties?: readonly { readonly property: readonly Element[] }[];
  readonly "system-out"?: string;
  readonly [attribute: `@${string}`]: string | undefined;
}

const LISTS = ["testsuite", "testcase", "failure", "error", "skipped", "properties", "property"];

function parse(xml: string): Element {
  expect(XMLValidator.validate(xml)).toBe(true);
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "@",
    parseAttributeValue: false,
    parseTagValue: false,
    isArray: (name) => LISTS.includes(name),
  });
  return (parser.parse(xml) as { testsuites: Element }).testsuites;
}

function suiteOf(root: Element, name: string): Element {
  const found = root.testsuite?.find((suite) => suite["@name"] === name);
  if (found === undefined) throw new Error(`There is no suite ${name}.`);
  return found;
}

function caseOf(root: Element, suite: string, name: string): Element {
  const found = suiteOf(root, suite).testcase?.find((testcase) => testcase["@name"] === name);
  if (found === undefined) throw new Error(`There is no case ${name}.`);
  return found;
}

const counted = (cases: readonly Element[], kind: "failure" | "error" | "skipped"): string =>
  String(cases.filter((testcase) => testcase[kind] !== undefined).length);

describe("JUnit XML", () => {
  it.each([
    ["a report that passed", goodReport()],
    ["a report that failed", badReport()],
    ["a report without runners", goodReport({ runners: [], results: [] })],
  ])("has the structure that readers expect of %s: counts that add up, times, class names", (_, report) => {
    const root = parse(parityJunit(report));
    const suites = root.testsuite ?? [];
    expect(root["@name"]).toBe("golden");
    expect(root["@time"]).toBe("61.000");
    for (const suite of suites) {
      const cases = suite.testcase ?? [];
      expect(suite["@timestamp"]).toBe("2026-01-02T03:04:05");
      expect(suite["@tests"]).toBe(String(cases.length));
      expect(suite["@failures"]).toBe(counted(cases, "failure"));
      expect(suite["@errors"]).toBe(counted(cases, "error"));
      expect(suite["@skipped"]).toBe(counted(cases, "skipped"));
      for (const testcase of cases) {
        expect(testcase["@classname"]).toBe(`golden.${suite["@name"]}`);
        expect(Number(testcase["@time"])).toBe(0);
        const said = [testcase.failure, testcase.error, testcase.skipped].filter((kind) => kind !== undefined);
        expect(said.length).toBeLessThanOrEqual(1);
      }
    }
    const all = suites.flatMap(({ testcase }) => testcase ?? []);
    expect(root["@tests"]).toBe(String(all.length));
    expect(root["@failures"]).toBe(counted(all, "failure"));
    expect(root["@errors"]).toBe(counted(all, "error"));
  });

  it("has a suite for each runner and a case for each verdict", () => {
    const root = parse(parityJunit(goodReport()));
    expect(root.testsuite?.map((suite) => suite["@name"])).toEqual(["node", "webgpu", "dawn"]);
    expect(suiteOf(root, "node").testcase?.map((testcase) => testcase["@name"])).toEqual([
      "L1 operations",
      "L0 identity, depth 0",
      "L3 gradients, depth 0",
      "L4 trajectory, depth 0",
      "L0 identity, depth 100",
      "L3 gradients, depth 100",
      "L4 trajectory, depth 100",
    ]);
    expect(caseOf(root, "webgpu", "L3 gradients, depth 0")["system-out"]).toContain("1.5e-3 of 2.0e-3 (77 %)");
    const properties = suiteOf(root, "webgpu").properties?.[0]?.property.map((one) => [one["@name"], one["@value"]]);
    expect(properties).toContainEqual(["software", "true"]);
    expect(properties).toContainEqual(["version.chromium", "140.0"]);
    expect(properties).toContainEqual(["reference", "keras (float64)"]);
  });

  it("says what failed, by how much and where, with every failure that the report lists", () => {
    const [failure] = caseOf(parse(parityJunit(badReport())), "webgpu", "L3 gradients, depth 0").failure ?? [];
    expect(failure?.["@message"]).toBe(
      "2.0e-3 of 2.0e-3 (1.016×), relative L2 error of the gradient at step 1, block_4_0/kernel",
    );
    const lines = failure?.["#text"]?.split("\n") ?? [];
    expect(lines[1]).toBe(
      "worst: 0.011 of 2.0e-3 (5.3×), relative L2 error of the gradient at step 1, block_14_3/kernel",
    );
    expect(lines).toHaveLength(2 + 20 + 1);
    expect(lines.at(-1)).toBe("and 24 more");
  });

  it("escapes markup and control characters, and gives reasons for errors and skipped rungs", () => {
    const root = parse(parityJunit(badReport()));
    const [error] = caseOf(root, "webgpu", "L4 trajectory, depth 0").error ?? [];
    expect(error?.["@message"]).toBe('The page crashed ("out of memory" <GPU>) & was closed.\u{fffd}[0m');
    expect(caseOf(root, "webgpu", "L5 outcome, depth 100").skipped?.[0]?.["@message"]).toBe("nobody asked for seeds");
    expect(suiteOf(root, "webgpu")["system-out"]).toContain("chromium: 139.0 → 140.0");
  });

  it("fails with the note where a run broke a rung before anything was measured", () => {
    const note = "frozen-moved: Conv1/kernel moved.";
    const broken = { rung: "L3", runner: "node", depth: "0", status: "fail", worst: null, checks: 0 } as const;
    const report = goodReport({ results: [{ ...broken, failures: [], failed: 0, note }], passed: false });
    const [failure] = caseOf(parse(parityJunit(report)), "node", "L3 gradients, depth 0").failure ?? [];
    expect(failure).toMatchObject({ "@message": note, "#text": note });
  });

  it("skips a runner that is missing, and errs where it is required", () => {
    const missing = goodReport().runners.map((runner) => ({ ...runner, required: true }));
    const [skipped] = caseOf(parse(parityJunit(goodReport())), "dawn", "available").skipped ?? [];
    expect(skipped?.["@message"]).toBe("There is no Vulkan loader. Install libvulkan1.");
    const root = parse(parityJunit(goodReport({ runners: missing, passed: false })));
    expect(caseOf(root, "dawn", "available").error?.[0]?.["@type"]).toBe("webgpu-unavailable");
  });

  it("is never green where the report did not pass", () => {
    const drift = badReport().drift ?? [];
    const root = parse(parityJunit(goodReport({ passed: false, drift })));
    expect(root["@failures"]).toBe("1");
    expect(suiteOf(root, "report").testcase?.[0]?.failure?.[0]?.["@message"]).toContain("1 drift from the baseline");
  });
});
