import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acquireLock } from "../../../scripts/setup/lock.mjs";

let folder: string;
let lock: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thaw-lock-"));
  lock = join(folder, "setup.lock");
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** A process that takes the lock, says so, and holds it until it is killed; `also` is a line of its script. */
async function holderProcess(also = ""): Promise<{ child: ChildProcess; said: string }> {
  const module = new URL("../../../scripts/setup/lock.mjs", import.meta.url).href;
  const script = `import { spawn } from "node:child_process";
    import { acquireLock } from ${JSON.stringify(module)};
    const lock = await acquireLock(${JSON.stringify(lock)});
    ${also}
    console.log("held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [said] = (await once(child.stdout ?? child, "data")) as [Buffer];
  return { child, said: said.toString() };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
}

it("is held by one at a time, and told to those who wait", async () => {
  const first = await acquireLock(lock);
  const waited: number[] = [];
  let second = false;
  const pending = acquireLock(lock, { pollMs: 5, onWait: ({ pid }) => waited.push(pid) }).then((held) => {
    second = true;
    return held;
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(second).toBe(false);
  first.release();
  (await pending).release();
  expect(waited).toEqual([process.pid]);
  expect(readdirSync(folder)).toEqual([]);
});

it("is taken over from a process that was killed", async () => {
  const { child } = await holderProcess();
  const stale = readFileSync(lock, "utf8");
  await kill(child);
  expect(readFileSync(lock, "utf8")).toBe(stale);
  const held = await acquireLock(lock, { pollMs: 5 });
  expect(JSON.parse(readFileSync(lock, "utf8"))).toMatchObject([{ pid: process.pid, host: hostname() }]);
  held.release();
  expect(existsSync(lock)).toBe(false);
});

it("is waited for while a command of the killed process still runs", async () => {
  const { child, said } = await holderProcess(
    `const orphan = spawn("sleep", ["60"]); lock.add(orphan.pid); console.log(orphan.pid);`,
  );
  const orphan = Number.parseInt(said, 10);
  await kill(child);
  let taken = false;
  const waited: number[] = [];
  const pending = acquireLock(lock, { pollMs: 5, onWait: ({ pid }) => waited.push(pid) }).then((held) => {
    taken = true;
    return held;
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect([taken, waited]).toEqual([false, [orphan]]);
  process.kill(orphan, "SIGKILL");
  (await pending).release();
});

it("is taken over when the process id belongs to another process by now", async () => {
  writeFileSync(lock, JSON.stringify([{ pid: process.pid, host: hostname(), startedAt: "1" }]));
  (await acquireLock(lock, { pollMs: 5 })).release();
});

it("is taken over when its file is no lock", async () => {
  writeFileSync(lock, "");
  (await acquireLock(lock, { pollMs: 5 })).release();
});

it("waits for another host's lock, of which nothing can be seen", async () => {
  writeFileSync(lock, JSON.stringify([{ pid: 1, host: "elsewhere", startedAt: "1" }]));
  let taken = false;
  const pending = acquireLock(lock, { pollMs: 5 }).then((held) => {
    taken = true;
    return held;
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(taken).toBe(false);
  rmSync(lock);
  (await pending).release();
});

it("lets one of many take over a stale lock", async () => {
  const { child } = await holderProcess();
  await kill(child);
  let holding = 0;
  let most = 0;
  const work = Array.from({ length: 8 }, async () => {
    const held = await acquireLock(lock, { pollMs: 2 });
    holding += 1;
    most = Math.max(most, holding);
    await new Promise((resolve) => setTimeout(resolve, 5));
    holding -= 1;
    held.release();
  });
  await Promise.all(work);
  expect(most).toBe(1);
});
