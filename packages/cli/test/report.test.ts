import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT, SMALL_SPEC, specFile, temporaryFolder, thaw } from "./command-line.ts";

const BENCH = join(ROOT, "benchmarks/recorded/bench.json");
const OLDER = join(ROOT, "benchmarks/recorded/article-sweep-a");

/** Results of a real sweep: two depths, two seeds. */
const folder = temporaryFolder();
const results = join(folder, "results");

beforeAll(async () => {
  const { record: _record, ...spec } = SMALL_SPEC;
  const options = ["--freeze", "100,154", "--seed", "0,1", "--out", results];
  expect((await thaw(["sweep", specFile(spec), ...options])).code).toBe(0);
});

describe("thaw report", () => {
  it("writes one page with photos, speed and parity, and Markdown beside it", async () => {
    const parity = JSON.parse(readFileSync(join(ROOT, "benchmarks/results/parity-golden.json"), "utf8"));
    mkdirSync(join(results, "parity"));
    writeFileSync(join(results, "parity", "parity.json"), JSON.stringify({ ...parity, name: "older" }));
    writeFileSync(join(results, "parity", "parity.2.json"), JSON.stringify({ ...parity, name: "latest" }));
    const out = join(folder, "report.html");
    const markdown = join(folder, "summary.md");
    const run = await thaw(["report", results, "--out", out, "--bench", BENCH, "--markdown", markdown]);
    expect([run.code, run.stderr]).toEqual([0, ""]);
    expect(run.stdout).toBe(`Report: ${out}\nMarkdown: ${markdown}\n`);
    const page = readFileSync(out, "utf8");
    expect(page).toContain("<title>Thaw: small</title>");
    expect(page).toContain("data:image/jpeg;base64,/9j/");
    expect(page).toContain("thaw bench, 2026");
    expect(page).toContain("latest, spec");
    expect(page).not.toContain("older, spec");
    expect(readFileSync(markdown, "utf8")).toContain("**Best row: ");
  });

  it("replaces its own page, and no other file", async () => {
    const out = join(folder, "twice.html");
    expect((await thaw(["report", results, "--out", out, "--no-photos", "--title", "Second"])).code).toBe(0);
    expect((await thaw(["report", results, "--out", out, "--no-photos", "--title", "Third"])).code).toBe(0);
    expect(readFileSync(out, "utf8")).toContain("<title>Third</title>");
    expect(readFileSync(out, "utf8")).not.toContain("data:image/jpeg");
    const mine = join(folder, "mine.html");
    writeFileSync(mine, "<p>my own page</p>");
    const refused = await thaw(["report", results, "--out", mine]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("exists and is no report of Thaw");
    expect(readFileSync(mine, "utf8")).toBe("<p>my own page</p>");
  });

  it("takes several folders and results of Thaw 0.1, and names what is no result", async () => {
    const out = join(folder, "both.html");
    writeFileSync(join(results, "notes.json"), '{"a": 1}');
    const run = await thaw(["report", results, OLDER, "--out", out, "--no-photos"]);
    expect(run.stderr).toBe(`${join(results, "notes.json")} is no result: left out\n`);
    expect(readFileSync(out, "utf8")).toContain("article: A");
  });

  it("says what to do without results, and with a file that is no report", async () => {
    const empty = await thaw(["report", temporaryFolder()]);
    expect([empty.code, empty.stderr]).toEqual([2, expect.stringContaining("error (no-results)")]);
    const gone = await thaw(["report", join(folder, "gone")]);
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining("error (result-unreadable)")]);
    const parity = await thaw(["report", results, "--parity", BENCH, "--no-photos"]);
    expect([parity.code, parity.stderr]).toEqual([2, expect.stringContaining("error (parity-invalid)")]);
  });
});
