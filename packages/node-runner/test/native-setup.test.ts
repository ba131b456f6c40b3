import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeNative } from "../src/native/describe.ts";
import { locateNative } from "../src/native/locate.ts";

// The real build, against the libtensorflow that set-up has fetched already, handed in as a user's own: nothing is
// downloaded, and a cache of its own keeps it apart.
let cache: string;
let env: NodeJS.ProcessEnv;

beforeAll(() => {
  const { folder, manifest } = locateNative();
  cache = mkdtempSync(join(tmpdir(), "thaw-setup-"));
  env = {
    ...process.env,
    THAW_CACHE: cache,
    LIBTENSORFLOW_DIR: manifest.libtensorflowDir ?? join(folder, "tensorflow"),
  };
});

afterAll(() => rmSync(cache, { recursive: true }));

interface SetUpProcess {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

/** The native step of set-up, locked as set-up locks it. */
function setUpNative(): SetUpProcess {
  const scripts = new URL("../../../scripts/", import.meta.url);
  const script = `
    import { installNative } from ${JSON.stringify(new URL("native/install.mjs", scripts).href)};
    import { chooseVariant } from ${JSON.stringify(new URL("native/variant.mjs", scripts).href)};
    import { thisMachine } from ${JSON.stringify(new URL("setup/machine.mjs", scripts).href)};
    import { withSetupLock } from ${JSON.stringify(new URL("setup.mjs", scripts).href)};
    await withSetupLock(thisMachine(), async (machine) => {
      console.log(await installNative(machine, await chooseVariant(machine)));
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const append = (chunk: Buffer): void => {
    text += chunk.toString();
  };
  child.stdout.on("data", append);
  child.stderr.on("data", append);
  return { child, output: () => text, ended: once(child, "close").then(([status]) => status as number | null) };
}

describe("set-up of the addon", () => {
  it("leaves nothing to be trusted when it is killed while it compiles", async () => {
    const { child, output, ended } = setUpNative();
    while (!output().includes("compiling the addon")) await once(child.stdout ?? child, "data");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const holders = JSON.parse(readFileSync(join(cache, "setup.lock"), "utf8")) as { pid: number }[];
    child.kill("SIGKILL");
    await ended;
    const native = join(cache, "native");
    expect(readdirSync(native).every((name) => name.startsWith(".tmp-"))).toBe(true);
    expect(readdirSync(native)).toHaveLength(1);
    expect(existsSync(join(cache, "setup.lock"))).toBe(true);
    expect(() => locateNative(env)).toThrow("There is no local libtensorflow in");
    const compiler = holders.at(-1)?.pid;
    expect(holders).toHaveLength(2);
    // Or the next set-up would wait until the orphaned compiler is done, as it should (native-lock.test.ts).
    if (compiler !== undefined) process.kill(compiler, "SIGKILL");
  });

  it("is then done by one of two that start at once, and not at all by a third", async () => {
    const pair = [setUpNative(), setUpNative()];
    expect(await Promise.all(pair.map(({ ended }) => ended))).toEqual([0, 0]);
    const outputs = pair.map(({ output }) => output());
    expect(outputs.filter((output) => output.includes("compiling the addon"))).toHaveLength(1);
    expect(outputs.filter((output) => output.includes("is running: waiting for it"))).toHaveLength(1);
    expect(outputs.filter((output) => output.includes("already there"))).toHaveLength(1);
    const key = /tf-local-napi8-[0-9a-f]{8}/.exec(outputs[0] ?? "")?.[0] ?? "no key";
    expect(readdirSync(join(cache, "native")).sort()).toEqual(["current-local.json", "current.json", key]);
    expect(readdirSync(cache)).toEqual(["native"]);

    mkdirSync(join(cache, "native", `.tmp-${hostname()}-killed`)); // as one leaves that is killed after the addon
    const started = performance.now();
    const third = setUpNative();
    expect(await third.ended).toBe(0);
    expect(readdirSync(join(cache, "native")).sort()).toEqual(["current-local.json", "current.json", key]);
    expect(third.output()).toContain(`${key} (LIBTENSORFLOW_DIR), already there`);
    expect(performance.now() - started).toBeLessThan(5000);
  }, 180_000);

  it("has made an addon that runs on that library", async () => {
    const native = await describeNative(env);
    expect(native).toMatchObject({
      ok: true,
      variant: "local",
      wheels: [],
      tfVersion: locateNative().manifest.tfVersion,
    });
  });

  it("builds again when a file of the build is gone", async () => {
    const { addon } = locateNative(env);
    rmSync(addon);
    expect(() => locateNative(env)).toThrow(`${addon} is missing.`);
    const { child, output, ended } = setUpNative();
    while (!output().includes("compiling the addon")) await once(child.stdout ?? child, "data");
    child.kill("SIGKILL");
    await ended;
    expect(existsSync(addon)).toBe(false);
  });
});
