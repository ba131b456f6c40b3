import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "@thaw/core";
import { beforeAll, describe, expect, it } from "vitest";
import { ending, SMALL_SPEC, specFile, start, temporaryFolder, thaw } from "./command-line.ts";
import { resultsIn } from "./result-files.ts";

const SWEEP = {
  version: 1,
  name: "tiny",
  experiment: { ...SMALL_SPEC, epochs: 1, data: { ...SMALL_SPEC.data, limit: 24 } },
  groups: [
    { name: "depth", vary: { freeze: [0, 154] }, seeds: [1, 2, 3] },
    { name: "rate", bestOf: "depth", vary: { learningRate: [1e-3, 1e-4] } },
  ],
};
const SLOW = { timeout: 240_000 };

/** Final weights, cell by cell. */
function digestsIn(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(resultsIn(folder).map(({ cell, digests }) => [cell, digests.final]));
}

function change(file: string, by: (result: Result) => object): void {
  writeFileSync(file, JSON.stringify(by(JSON.parse(readFileSync(file, "utf8")) as Result), null, 1));
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

describe("a sweep in shards", () => {
  const folder = temporaryFolder();
  const spec = specFile(SWEEP, folder);
  const at = (name: string): string => join(folder, name);
  const single = at("single");
  const shard = (i: number, name: string): Promise<{ readonly code: number | null; readonly stderr: string }> =>
    thaw(["sweep", spec, "--group", "depth", "--shard", `${i}/3`, "--save-models", "--out", at(name)]);

  beforeAll(async () => {
    expect((await thaw(["sweep", spec, "--save-models", "--out", single])).code).toBe(0);
    // Out of order, the second twice, the first not at all.
    const runs = [await shard(3, "c"), await shard(2, "b"), await shard(2, "b-again")];
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
  }, 240_000);

  it(
    "names what is missing, and is whole once it is there: the single run's weights, cell for cell",
    SLOW,
    async () => {
      const partial = await thaw(["merge", at("b-again"), at("c"), at("b"), "--out", at("merged")]);
      expect(partial.code).toBe(6);
      expect(partial.stdout).toContain("Merged: 4 new, 4 in all; 2 were there twice, with the same numbers");
      const all = digestsIn(single);
      const missing = Object.keys(all).filter((cell) => cell.includes("depth") && !(cell in digestsIn(at("merged"))));
      expect(missing.length).toBe(2);
      expect(partial.stderr).toMatch(/^missing: shard 1\/3, 2 cells \(none of the folders is of this shard\): /m);
      for (const cell of missing) expect(partial.stderr).toContain(cell);

      expect((await shard(1, "a")).code).toBe(0);
      const whole = await thaw(["merge", at("a"), at("b"), at("c"), "--out", at("merged")]);
      expect([whole.code, whole.stderr]).toEqual([0, ""]);
      expect(whole.stdout).toContain("Merged: 2 new, 6 in all");

      // The group that takes the best depth, in two shards of its own.
      const rate = ["sweep", spec, "--group", "rate", "--best-from", at("merged")];
      for (const i of [2, 1])
        expect((await thaw([...rate, "--shard", `${i}/2`, "--out", at(`rate-${i}`)])).code).toBe(0);
      const joined = await thaw(["merge", at("rate-2"), at("merged"), at("rate-1"), "--out", at("all")]);
      expect([joined.code, joined.stderr]).toEqual([0, ""]);
      expect(digestsIn(at("all"))).toEqual(all);
      expect(Object.keys(all).length).toBe(8);

      // As good as the single run's folder: it goes on from there, and makes a report.
      const resumed = await thaw(["sweep", spec, "--out", at("all")]);
      expect(resumed.code).toBe(0);
      expect(resumed.stderr.match(/done before/g)?.length).toBe(8);
      expect((await thaw(["report", at("all"), "--out", at("report.html"), "--no-photos"])).code).toBe(0);
      const cell = Object.keys(all).find((name) => name.includes("depth")) ?? "";
      for (const beside of ["model.safetensors", "events.jsonl"]) {
        expect(existsSync(join(at("all"), `${cell}.${beside}`)), beside).toBe(true);
      }
    },
  );

  it("is the same whatever the order of folders, and merging again changes nothing", SLOW, async () => {
    const orders = [
      [at("b"), at("b-again"), at("c")],
      [at("c"), at("b-again"), at("b")],
    ];
    const contents: unknown[] = [];
    for (const [index, order] of orders.entries()) {
      const out = at(`order-${index}`);
      for (const _again of [1, 2]) expect((await thaw(["merge", ...order, "--out", out])).code).toBe(6);
      const files = filesOf(out).filter((name) => name.endsWith("json"));
      contents.push(files.map((name) => [name, readFileSync(join(out, name), "utf8")]));
    }
    expect(contents[1]).toEqual(contents[0]);
  });

  it(
    "refuses two results of a cell that differ in a number, and keeps the earlier of those that do not",
    SLOW,
    async () => {
      const [other, out] = [at("differs"), at("conflict")];
      cpSync(at("b"), other, { recursive: true });
      const [first, second] = resultsIn(other).map(({ cell }) => cell);
      change(join(other, `${first}.json`), (result) => ({
        ...result,
        digests: { ...result.digests, final: "0".repeat(64) },
      }));
      change(join(other, `${second}.json`), (result) => ({
        ...result,
        finishedAt: "2001-01-01T00:00:00.000Z",
        timing: { ...result.timing, totalMs: 1 },
      }));
      const merged = await thaw(["merge", at("b"), other, "--out", out]);
      expect(merged.code).toBe(1);
      expect(merged.stderr).toContain(`conflict: ${first}: `);
      expect(merged.stderr).toContain("differ, first in digests.final");
      expect(resultsIn(out).map(({ cell, finishedAt }) => [cell, finishedAt])).toEqual([
        [second, "2001-01-01T00:00:00.000Z"],
      ]);
    },
  );

  it("says why a shard's cells are missing: killed, failed, or gone", SLOW, async () => {
    const killed = at("killed");
    const child = start(["sweep", spec, "--group", "depth", "--shard", "2/3", "--out", killed]);
    const run = ending(child);
    child.stderr?.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes("epoch 1/1")) child.kill("SIGKILL");
    });
    await run;
    const ofKilled = await thaw(["merge", killed, "--out", at("of-killed")]);
    expect(ofKilled.code).toBe(6);
    expect(ofKilled.stderr).toMatch(/^missing: shard 2\/3, [12] cells \(.*it was not run to its end\)/m);

    const gone = at("gone");
    cpSync(at("b"), gone, { recursive: true });
    const [cell, other] = resultsIn(gone).map((result) => result.cell);
    rmSync(join(gone, `${cell}.json`));
    writeFileSync(join(gone, `${other}.json`), readFileSync(join(gone, `${other}.json`)).subarray(0, 500));
    const ofGone = await thaw(["merge", gone, "--out", at("of-gone")]);
    expect(ofGone.code).toBe(2);
    expect(ofGone.stderr).toContain(`${join(gone, `${other}.json`)} cannot be read`);
    expect(ofGone.stderr).toMatch(/^missing: shard 2\/3, 2 cells \(2 were done, and their results are gone\)/m);
  });

  it("leaves out results of no cell of the sweep, and refuses folders of another", SLOW, async () => {
    const mixed = at("mixed");
    cpSync(at("b"), mixed, { recursive: true });
    const [result] = resultsIn(mixed);
    writeFileSync(
      join(mixed, "other-node-0123456789ab.json"),
      JSON.stringify({ ...result, cell: "other-node-0123456789ab" }),
    );
    const merged = await thaw(["merge", mixed, "--out", at("of-mixed")]);
    expect(merged.code).toBe(2);
    expect(merged.stderr).toContain("other-node-0123456789ab.json is of no cell of this sweep: left out");
    expect(resultsIn(at("of-mixed")).length).toBe(2);

    const otherSpec = specFile({ ...SWEEP, experiment: { ...SWEEP.experiment, batchSize: 4 } });
    const other = ["sweep", otherSpec, "--group", "depth", "--shard", "6/6", "--out", at("other")];
    expect((await thaw(other)).code).toBe(0);
    const refused = await thaw(["merge", at("b"), at("other"), "--out", at("of-two")]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("error (sweep-mixed)");
    expect(refused.stderr).toContain(`${at("other")} has results of another sweep than ${at("b")}`);
    expect(existsSync(at("of-two"))).toBe(false);
  });

  it("never writes over a file, and takes up where a killed merge stopped", SLOW, async () => {
    const out = at("taken");
    mkdirSync(join(out, ".merge"), { recursive: true });
    const [result] = resultsIn(at("b"));
    writeFileSync(join(out, ".merge", `${result?.cell}.json`), "half a fi");
    const log = join(out, `${result?.cell}.events.jsonl`);
    writeFileSync(log, "somebody's\n");
    expect((await thaw(["merge", at("b"), "--out", out])).code).toBe(6);
    expect(readFileSync(log, "utf8")).toBe("somebody's\n");
    expect(digestsIn(out)).toEqual(digestsIn(at("b")));
    expect(filesOf(out).filter((name) => name.startsWith(".merge"))).toEqual([]);
  });

  it("says what a shard needs: the results that others decide on, and a grid", SLOW, async () => {
    const early = await thaw(["sweep", spec, "--shard", "1/2", "--out", at("early")]);
    expect(early.code).toBe(2);
    expect(early.stderr).toContain("error (sweep-incomplete)");
    expect(early.stderr).toContain("6 of its 6 results are not in");
    expect(early.stderr).toContain("--group depth");
    const plain = await thaw(["merge", single, "--out", at("plain")]);
    expect(plain.code).toBe(2);
    expect(plain.stderr).toContain("error (shard-unknown)");
    const absent = await thaw(["merge", at("nowhere"), "--out", at("plain")]);
    expect(absent.stderr).toContain("error (result-unreadable)");
  });
});
