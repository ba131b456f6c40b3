import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BatchedFile } from "../src/tracking/batched-file.ts";
import { ending, SMALL_SPEC, specFile, start, temporaryFolder, thaw } from "./command-line.ts";
import { logOf, resultsIn } from "./result-files.ts";

/** What a run that was killed left, but for its lock. */
function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.endsWith(".lock"))
    .map((name) => name.replace(/^small-node-[0-9a-f]+/, "CELL"));
}

describe("the event log", () => {
  it("has everything that the runner said, and lies beside the result", async () => {
    const out = join(temporaryFolder(), "out");
    expect((await thaw(["run", specFile(SMALL_SPEC), "--out", out])).code).toBe(0);
    expect(namesIn(out).sort()).toEqual(["CELL.events.jsonl", "CELL.json"]);
    const [result] = resultsIn(out);
    const log = logOf(join(out, `${result?.cell}.events.jsonl`));
    const first = log[0];
    expect(first).toMatchObject({ type: "cell", cell: result?.cell, planHash: result?.planHash, epochs: 2 });
    expect(JSON.stringify(first?.phases)).toContain("trains block_11_depthwise … head");
    const stepEvents = log.filter(({ type }) => type === "step");
    expect(stepEvents.map(({ epoch, step, loss }) => ({ epoch, step, loss }))).toEqual(result?.steps);
    const epochEvents = log.filter(({ type }) => type === "epoch");
    expect(epochEvents.map(({ type: _type, time: _time, ...epoch }) => epoch)).toEqual(result?.epochs);
    expect(log.at(-2)).toMatchObject({ type: "end", outcome: { final: result?.final } });
    expect(log.at(-1)).toMatchObject({ type: "finished", result: `${result?.cell}.json` });
    const times = log.map(({ time }) => time);
    expect(times.every((time) => new Date(time).toISOString() === time)).toBe(true);
    expect([...times].sort()).toEqual(times);
  });

  it("keeps whole lines of a run that is killed, apart from those of the next attempt", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, freeze: 154, epochs: 5000 });
    for (const kills of [1, 2]) {
      const child = start(["run", spec, "--out", out]);
      const done = ending(child);
      await new Promise<void>((resolve) => {
        child.stderr?.on("data", (chunk: Buffer) => {
          if (chunk.toString().includes("epoch 1/")) setTimeout(resolve, 1000);
        });
        void done.then(() => resolve()); // it ended by itself, and left too little
      });
      child.kill("SIGKILL");
      await done;
      expect(namesIn(out)).toHaveLength(kills);
    }
    expect(namesIn(out).sort()).toEqual(["CELL.attempt-1.events.jsonl", "CELL.events.jsonl"]);
    for (const name of readdirSync(out).filter((file) => file.endsWith(".jsonl"))) {
      const log = logOf(join(out, name));
      expect(log.filter(({ type }) => type === "cell")).toHaveLength(1);
      const steps = log.filter(({ type }) => type === "step").map(({ step }) => step);
      expect(steps.length).toBeGreaterThan(10);
      expect(steps).toEqual(steps.map((_, index) => index + 1));
    }
  }, 180_000);

  it("says why a cell failed", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = { ...SMALL_SPEC, freeze: 0, optimizer: { name: "sgd", learningRate: 1e38 } };
    expect((await thaw(["run", specFile(spec), "--out", out])).code).toBe(4);
    const [name = ""] = readdirSync(out);
    expect(logOf(join(out, name)).at(-1)).toMatchObject({ type: "failed", code: "non-finite" });
  });

  it("gives a repeated cell a log of its own", async () => {
    const out = join(temporaryFolder(), "out");
    const spec = specFile({ ...SMALL_SPEC, epochs: 1 });
    await thaw(["run", spec, "--out", out]);
    const first = readdirSync(out).find((name) => name.endsWith(".jsonl")) ?? "";
    const text = readFileSync(join(out, first), "utf8");
    await thaw(["run", spec, "--out", out, "--rerun"]);
    expect(namesIn(out).sort()).toEqual(["CELL.events.jsonl", "CELL.json", "CELL.r2.events.jsonl", "CELL.r2.json"]);
    expect(readFileSync(join(out, first), "utf8")).toBe(text);
  }, 180_000);
});

describe("a batched file", () => {
  it("writes what it holds within half a second, and at the end", async () => {
    const file = join(temporaryFolder(), "log");
    const batched = new BatchedFile(file);
    batched.append(Buffer.from("one\n"));
    expect(readFileSync(file, "utf8")).toBe("");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(readFileSync(file, "utf8")).toBe("one\n");
    for (let line = 0; line < 20_000; line += 1) batched.append(Buffer.from(`${line}\n`));
    batched.close();
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(20_002);
  });

  it("is never another's", () => {
    const file = join(temporaryFolder(), "mine");
    writeFileSync(file, "mine");
    expect(() => new BatchedFile(file)).toThrow(/cannot be written: EEXIST/);
    expect(readFileSync(file, "utf8")).toBe("mine");
  });
});
