import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { takeLock } from "../src/lock-file.ts";

const MODULE = new URL("../src/lock-file.ts", import.meta.url).href;
const TIMEOUT_MS = 60_000;

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thaw-"));
  file = join(folder, "cell.lock");
});

/** Starts a process that runs a script in which `takeLock` and `file` are known. */
function start(script: string): ChildProcess {
  const source = `
    const { takeLock } = await import(${JSON.stringify(MODULE)});
    const { readFileSync, writeFileSync } = await import("node:fs");
    const file = ${JSON.stringify(file)};
    ${script}`;
  const args = ["--import", "tsx", "--conditions=source", "--input-type=module", "--eval", source];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

async function release(): Promise<void> {
  const lock = await takeLock(file);
  if (!lock.held) throw new Error("The lock is not to be had.");
  lock.release();
}

/** Changes fields of the lock's file. */
function forge(fields: object): void {
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...fields }));
}

describe("a lock", () => {
  it("names who has it, and is free again when it is released", async () => {
    const lock = await takeLock(file);
    const second = await takeLock(file);
    expect(second).toMatchObject({ held: false, owner: { pid: process.pid, host: hostname() } });
    if (lock.held) lock.release();
    expect(readdirSync(folder)).toEqual([]);
    await release();
  });

  it("is taken over from a process that was killed", { timeout: TIMEOUT_MS }, async () => {
    const child = start(`await takeLock(file); console.log("held"); setInterval(() => undefined, 1000);`);
    await once(child.stdout ?? child, "data");
    expect(await takeLock(file)).toMatchObject({ held: false, owner: { pid: child.pid } });
    child.kill("SIGKILL");
    await once(child, "exit");
    await release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is taken over where another process has got the number of its owner", async () => {
    await takeLock(file);
    expect((await takeLock(file)).held).toBe(false);
    forge({ processStart: "1" });
    await release();
  });

  it("of another machine is left alone while it gives signs of life, and taken over after two minutes", async () => {
    await takeLock(file);
    forge({ machine: "another", host: "elsewhere", pid: 1 });
    expect(await takeLock(file)).toMatchObject({ held: false, owner: { host: "elsewhere" } });
    utimesSync(file, new Date(), new Date(Date.now() - 119_000));
    expect((await takeLock(file)).held).toBe(false);
    utimesSync(file, new Date(), new Date(Date.now() - 121_000));
    await release();
  });

  it("whose file is cut off is taken over when it is old", async () => {
    writeFileSync(file, '{ "pid": 1');
    expect((await takeLock(file)).held).toBe(false);
    utimesSync(file, new Date(), new Date(Date.now() - 121_000));
    await release();
  });

  it("that another one has taken over is not removed by its first owner", async () => {
    const lock = await takeLock(file);
    forge({ id: "another" });
    if (lock.held) lock.release();
    expect(readdirSync(folder)).toEqual(["cell.lock"]);
  });

  it("is had by one of many processes at a time, also while the dead are cleared away", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const counter = join(folder, "counter");
    writeFileSync(counter, "0");
    const taken = await takeLock(file);
    expect(taken.held).toBe(true);
    forge({ processStart: "1" }); // a dead one's lies there when they begin
    const script = `
      const counter = ${JSON.stringify(counter)};
      for (let round = 0; round < 20; ) {
        const lock = await takeLock(file);
        if (!lock.held) { await new Promise((resolve) => setTimeout(resolve, 1)); continue; }
        const count = Number(readFileSync(counter, "utf8"));
        await new Promise((resolve) => setTimeout(resolve, 1));
        writeFileSync(counter, String(count + 1));
        lock.release();
        round += 1;
      }`;
    const codes = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const [code] = (await once(start(script), "exit")) as [number];
        return code;
      }),
    );
    expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
    expect(readFileSync(counter, "utf8")).toBe("120");
    expect(readdirSync(folder)).toEqual(["counter"]);
  });
});
