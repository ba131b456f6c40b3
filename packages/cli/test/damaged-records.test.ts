import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBenchReport } from "../src/bench/bench-file.ts";
import { readParityReport, readResultFolder } from "../src/report/result-folders.ts";
import { readResult } from "../src/result-file.ts";
import { ROOT, temporaryFolder, thaw } from "./command-line.ts";

const RECORDED = join(ROOT, "benchmarks/recorded/article-sweep-a");
const NAME = "article-A-freeze-50_lr-0.00001-node-fd65f401e2ff.json";
/** The parts of a result that are damaged here. */
type Damaged = Record<"final" | "spec" | "predictions", object> & { readonly phases: readonly [object] };

/** A folder with one good result, and one that a change has damaged. */
function folderWith(change: (result: Damaged) => void): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "good.json"), readFileSync(join(RECORDED, NAME)));
  const damaged: Damaged = JSON.parse(readFileSync(join(RECORDED, NAME), "utf8"));
  change(damaged);
  writeFileSync(join(folder, "damaged.json"), JSON.stringify({ ...damaged, cell: "damaged" }));
  return folder;
}

const DAMAGES: readonly [what: string, change: (result: Damaged) => void][] = [
  ["metrics", (result) => Object.assign(result.final, { validation: 7 })],
  ["layers", (result) => Object.assign(result.phases[0], { layers: [{ name: "x" }] })],
  ["optimizer", (result) => Object.assign(result.phases[0], { optimizer: null })],
  ["spec", (result) => Object.assign(result.spec, { model: null })],
  ["labels", (result) => Object.assign(result.predictions, { test: [99] })],
];

describe("thaw report", () => {
  it.each(DAMAGES)("leaves out a result with damaged %s, and names it", async (_what, change) => {
    const folder = folderWith(change);
    const { results, others } = await readResultFolder(folder);
    expect(results.map(({ cell }) => `${cell}.json`)).toEqual([NAME]);
    expect(others).toEqual([join(folder, "damaged.json")]);
    expect(results[0]?.spec.stepLimitSeconds).toBe(600); // a spec of that time could not say it
    const { code, stderr } = await thaw(["report", folder, "--no-photos", "--out", join(folder, "report.html")]);
    expect(stderr).toBe(`${join(folder, "damaged.json")} is no result: left out\n`);
    expect(code).toBe(0);
  });
});

describe("a record with a prototype in it", () => {
  const text = '{"version":1,"cell":"a","__proto__":{"passed":true}}';

  it("is refused", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "a.json");
    writeFileSync(file, text);
    await expect(readResult(folder, "a")).rejects.toMatchObject({ code: "result-unreadable" });
    await expect(readParityReport(file)).rejects.toMatchObject({ code: "parity-invalid" });
    await expect(readBenchReport(file)).rejects.toMatchObject({ code: "bench-invalid" });
    expect((await readResultFolder(folder)).others).toEqual([file]);
  });
});

describe("a parity report", () => {
  it("is read with its drift, and refused where a measure is none", async () => {
    const report = JSON.parse(readFileSync(join(ROOT, "fuzz/corpus/parity.json"), "utf8"));
    const file = join(temporaryFolder(), "parity.json");
    const drift = [
      {
        rung: "L2",
        runner: "node",
        depth: null,
        what: "worst",
        before: 1,
        now: "fail",
        environmentChanges: ["node 20"],
      },
    ];
    writeFileSync(file, JSON.stringify({ ...report, drift }));
    expect((await readParityReport(file)).drift).toEqual(drift);
    writeFileSync(file, JSON.stringify({ ...report, drift: [{ rung: "L9" }] }));
    await expect(readParityReport(file)).rejects.toMatchObject({ code: "parity-invalid" });
    writeFileSync(file, JSON.stringify({ ...report, results: [{ rung: "L2" }] }));
    await expect(readParityReport(file)).rejects.toMatchObject({ code: "parity-invalid" });
  });
});
