import { describe, expect, it } from "vitest";
import { engineSpent, judgeCases, type OpStart, type OpVerdict, superviseOps, ThawError } from "../src/index.ts";

const CASES = ["a", "b", "c", "d"].map((name) => ({ op: "toy", name }));

/** A suite over four cases whose engine is lost over some of them, each so many times. */
function toySuite(losses: Readonly<Record<string, number>>, starts: OpStart[] = []) {
  const left: Record<string, number> = { ...losses };
  return (start: OpStart): AsyncGenerator<OpVerdict> => {
    starts.push(start);
    const gone: string[] = [];
    const verdicts = judgeCases(
      CASES,
      async ({ name }) => {
        left[name] = (left[name] ?? 0) - 1;
        if ((left[name] ?? 0) >= 0) gone.push(name);
        return { worst: 0.5, problems: [] };
      },
      start,
    );
    return (async function* engine() {
      for await (const verdict of verdicts) {
        if (gone.length > 0) throw new ThawError("gpu-lost", `lost over ${gone.join()}`);
        yield verdict;
      }
    })();
  };
}

async function collect(verdicts: AsyncIterable<OpVerdict>): Promise<OpVerdict[]> {
  const all: OpVerdict[] = [];
  for await (const verdict of verdicts) all.push(verdict);
  return all;
}

const isLoss = (code: string): boolean => code.startsWith("gpu-");

describe("superviseOps", () => {
  it("goes on behind a case that takes every engine along, and names it", async () => {
    const starts: OpStart[] = [];
    const verdicts = await collect(superviseOps(toySuite({ b: 9 }, starts), isLoss));
    expect(verdicts.map(({ name, problems }) => [name, problems])).toEqual([
      ["a", []],
      ["b", ["the engine was lost: lost over b"]],
      ["c", []],
      ["d", []],
    ]);
    expect(starts).toEqual([{ judged: 0 }, { judged: 1, careful: true }, { judged: 1, lost: "lost over b" }]);
  });

  it("says of a case that it took one engine along, though it passed with the next", async () => {
    const verdicts = await collect(superviseOps(toySuite({ a: 1, d: 1 }), isLoss));
    expect(verdicts.map(({ name, problems }) => [name, problems.length])).toEqual([
      ["a", 1],
      ["b", 0],
      ["c", 0],
      ["d", 1],
    ]);
    expect(verdicts[0]?.problems[0]).toContain("not the second time: lost over a");
  });

  it("goes on with a fresh engine behind a case that used one up, and blames nobody else", async () => {
    const starts: OpStart[] = [];
    const start = async function* (from: OpStart): AsyncGenerator<OpVerdict> {
      starts.push(from);
      for await (const verdict of judgeCases(CASES, async () => ({ worst: 0, problems: [] }), from)) {
        yield verdict;
        if (verdict.name === "b") throw engineSpent("a heap that was written over");
      }
    };
    const given = [{ op: "toy" }];
    const verdicts = await collect(superviseOps(start, isLoss, given));
    expect(verdicts.map(({ name, problems }) => [name, problems.length])).toEqual(CASES.map(({ name }) => [name, 0]));
    expect(starts).toEqual([
      { judged: 0, cases: given },
      { judged: 2, cases: given },
    ]);
  });

  it("gives up on an engine that judges nothing, and on errors that are no loss", async () => {
    const never = async function* (): AsyncGenerator<OpVerdict> {
      yield await Promise.reject(new ThawError("gpu-lost", "no device"));
    };
    await expect(collect(superviseOps(never, isLoss))).rejects.toMatchObject({ code: "gpu-lost" });
    await expect(collect(superviseOps(toySuite({ b: 9 }), () => false))).rejects.toMatchObject({ code: "gpu-lost" });
  });

  it("takes what a case throws for what is wrong with it", async () => {
    const throwing = judgeCases(CASES.slice(0, 1), () => Promise.reject(new Error("no such thing")), { judged: 0 });
    expect(await collect(throwing)).toMatchObject([{ problems: ["it throws: no such thing"] }]);
  });
});
