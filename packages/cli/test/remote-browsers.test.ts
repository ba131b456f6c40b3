import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { ending, ROOT, SMALL_SPEC, specFile, start, temporaryFolder, thaw } from "./command-line.ts";
import { logOf, resultsIn } from "./result-files.ts";

interface Server {
  /** With the path that lets one in. */
  readonly endpoint: string;
  /** What is told of it. */
  readonly place: string;
  readonly child: ChildProcess;
}

const SCRIPT = fileURLToPath(new URL("./browser-server.ts", import.meta.url));

async function startServer(): Promise<Server> {
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions=source", SCRIPT], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const endpoint = text.toString().trim();
  return { endpoint, place: new URL(endpoint).origin, child };
}

async function kill({ child }: Server): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** The cell that a browser is training at this moment, by the event logs, while a sweep runs. */
async function cellAt(place: string, out: string, sweep: ChildProcess): Promise<string> {
  while (sweep.exitCode === null) {
    for (const name of existsSync(out) ? readdirSync(out) : []) {
      const [, cell] = /^(.*-[0-9a-f]{12})\.events\.jsonl$/.exec(name) ?? [];
      if (cell === undefined || existsSync(join(out, `${cell}.json`))) continue;
      const text = readFileSync(join(out, name), "utf8");
      if (text.includes(place) && text.includes('"type":"epoch"')) return cell;
    }
    await pause(20);
  }
  throw new Error(`The sweep ended before ${place} was seen at work.`);
}

const SPEC = { ...SMALL_SPEC, epochs: 40, freeze: 100, record: "epochs" };

describe("a sweep over remote browsers", () => {
  const folder = temporaryFolder();
  const spec = specFile(SPEC, folder);
  const sweep = ["sweep", spec, "--seed", "1,2,3,4,5", "--runner", "wasm"];
  const local = join(folder, "local");
  const servers: Server[] = [];
  let localTable = "";
  const open = async (count: number): Promise<readonly Server[]> => {
    const opened = await Promise.all(Array.from({ length: count }, startServer));
    servers.push(...opened);
    return opened;
  };
  const endpoints = (of: readonly Server[]): { readonly THAW_BROWSER_WS: string } => {
    return { THAW_BROWSER_WS: of.map(({ endpoint }) => endpoint).join(",") };
  };
  const labels = (table: string): readonly string[] => table.match(/seed-\d+/g) ?? [];
  const digests = (out: string): readonly (readonly [string, string])[] =>
    resultsIn(out).map(({ cell, digests }) => [cell, digests.final]);

  beforeAll(async () => {
    const run = await thaw([...sweep, "--out", local]);
    expect(run.code).toBe(0);
    localTable = run.stdout;
  }, 240_000);
  afterEach(async () => {
    for (const server of servers.splice(0)) await kill(server);
  });

  it("puts the cell of a browser that is killed back, and ends with the local run's weights", {
    timeout: 240_000,
  }, async () => {
    const out = join(folder, "remote");
    const csv = join(folder, "epochs.csv");
    const three = await open(3);
    const [, victim] = three;
    if (victim === undefined) throw new Error("There is no second server.");
    const child = start([...sweep, "--out", out, "--csv", csv], endpoints(three));
    const run = ending(child);
    const cell = await cellAt(victim.place, out, child);
    await kill(victim);
    const { code, stdout, stderr } = await run;
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(`runner wasm at ${victim.place} is gone (browser-lost)`),
    ]);
    expect(stderr).toContain("goes back to the queue");
    expect(stderr).not.toContain(new URL(victim.endpoint).pathname); // whoever has it has the browser
    expect(digests(out)).toEqual(digests(local));
    expect(labels(stdout)).toEqual(labels(localTable));
    expect(logOf(join(out, `${cell}.attempt-1.events.jsonl`)).at(-1)).toMatchObject({
      type: "failed",
      code: "browser-lost",
    });
    const browsers = resultsIn(out).map((result) => result.environment.versions.browser);
    expect(new Set(browsers).size).toBeGreaterThan(1);
    expect(resultsIn(out).find((result) => result.cell === cell)?.environment.versions.browser).not.toBe(victim.place);
    const rows = readFileSync(csv, "utf8").trimEnd().split("\n").slice(1);
    expect(rows.filter((row) => row.includes(",finished,")).length).toBe(5 * SPEC.epochs);
  });

  it("says that all browsers are gone, and goes on with others", { timeout: 240_000 }, async () => {
    const out = join(folder, "gone");
    const two = await open(2);
    const child = start([...sweep, "--out", out], endpoints(two));
    const run = ending(child);
    for (const server of two) {
      await cellAt(server.place, out, child);
      await kill(server);
    }
    const { code, stderr } = await run;
    expect(code).toBe(3);
    expect(stderr).toMatch(/All 2 places are gone \(ws:.*, ws:.*\); \d cells have not run\./);
    const done = resultsIn(out).length;
    expect(done).toBeLessThan(5);
    // One of three does not answer.
    const [first, second] = await open(2);
    const dead = { endpoint: "ws://127.0.0.1:9/nothing" } as Server;
    const others = [dead, first, second].filter((server) => server !== undefined);
    const again = await thaw([...sweep, "--out", out], endpoints(others));
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("wasm at ws://127.0.0.1:9 is left out")]);
    expect(again.stderr.match(/done before/g)?.length ?? 0).toBe(done);
    expect(digests(out)).toEqual(digests(local));
  });

  it.each([
    ["me:hunter2@gpu-box:3000", "has no address of a server in place 1"],
    ["ws://b,http://me:hunter2@a", "has no address of a server in place 2"],
    ["ws://me:hunter2@a/,ws://me:hunter2@a/", "names ws://a twice"],
  ])("refuses %s", async (text, message) => {
    const { code, stderr } = await thaw([...sweep, "--out", join(folder, "x")], { THAW_BROWSER_WS: text });
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr).not.toContain("hunter2");
  });
});
