import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { provideKeras } from "../../../scripts/setup/keras.mjs";
import { type Finished, type Machine, thisMachine } from "../../../scripts/setup/machine.mjs";
import { SetupError } from "../../../scripts/setup/setup-error.mjs";

// A machine of which the test says what is there: commands are written down and answered, none is started.
type Answer = Partial<Finished>;
let folder: string;
let cache: string;
let pins: string;
let machine: Machine;
let calls: string[];
/** Python's version by command; what is not named does not start. */
let versions: Record<string, string>;
let venv: (target: string) => Answer;
let pip: (args: readonly string[]) => Answer;
let load: Answer;

const ABSENT = { status: null, stderr: "spawn ENOENT" };
const VERSIONS = "Keras 3.15.1 on TensorFlow 2.21.0";

function writeProgram(file: string): Answer {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "");
  return {};
}

function answer(command: string, args: readonly string[]): Answer {
  const version = versions[basename(command)];
  if (args[0] === "-c" && args[1]?.includes("executable")) {
    if (version === undefined) return ABSENT;
    return { stdout: `${JSON.stringify({ executable: join(folder, "bin", "python3"), version })}\n` };
  }
  if (args[0] === "-c") return load;
  return args[1] === "venv" ? venv(args[2] ?? "") : pip(args);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thaw-keras-"));
  cache = join(folder, "cache");
  mkdirSync(cache);
  pins = join(folder, "requirements.txt");
  writeFileSync(pins, "keras==3.15.1\n");
  writeProgram(join(folder, "bin", "python3"));
  calls = [];
  versions = { python3: "3.11" };
  venv = (target) => writeProgram(join(target, "bin", "python"));
  pip = () => ({});
  load = { stdout: `a notice\nthaw: ${VERSIONS}\n` };
  machine = thisMachine({
    root: folder,
    cacheFolder: cache,
    env: {},
    platform: "linux",
    terminal: false,
    say: () => {},
    run: async (command, args) => {
      calls.push([basename(command), ...args.filter((arg) => !arg.includes("import"))].join(" "));
      return { status: 0, signal: null, stdout: "", stderr: "", ...answer(command, args) };
    },
  });
});

afterEach(() => rmSync(folder, { recursive: true }));

const provide = (): Promise<string> => provideKeras(machine, pins);
const chosen = (): { key: string; python: string; packages: string | null } =>
  JSON.parse(readFileSync(join(cache, "keras.json"), "utf8"));

async function failure(): Promise<SetupError> {
  const error = await provide().catch((thrown: unknown) => thrown);
  if (error instanceof SetupError) return error;
  throw new Error("it did not fail", { cause: error });
}

describe("the set-up of Keras", () => {
  it("makes a virtual environment and writes down its Python", async () => {
    expect(await provide()).toBe(`${VERSIONS} (venv)`);
    const { key, python, packages } = chosen();
    expect(key).toMatch(/^keras-[0-9a-f]{8}$/);
    expect([python, packages]).toEqual([join(cache, key, "venv", "bin", "python"), null]);
    expect(existsSync(python)).toBe(true);
    expect(readdirSync(cache).sort()).toEqual([key, "keras.json"]);
  });

  it("does nothing the second time, and starts afresh with other pins", async () => {
    await provide();
    const { key } = chosen();
    calls = [];
    expect(await provide()).toBe(`${VERSIONS} (venv), already there`);
    expect(calls).toEqual(["python3 -c"]);
    writeFileSync(pins, "keras==3.15.2\n");
    expect(await provide()).toBe(`${VERSIONS} (venv)`);
    expect(chosen().key).not.toBe(key);
  });

  it("puts packages into a folder where Python makes no virtual environment", async () => {
    venv = () => ({ status: 1, stdout: "The virtual environment was not created successfully: ensurepip\n" });
    expect(await provide()).toBe(`${VERSIONS} (pip --target)`);
    const { key, python, packages } = chosen();
    expect([python, packages]).toEqual([join(folder, "bin", "python3"), join(cache, key, "packages")]);
    expect(calls.find((call) => call.includes("--target"))).toMatch(
      /^python3 -m pip install .*packages --require-hashes -r .*requirements\.lock\.txt$/,
    );
  });

  it("makes anew what lost its Python", async () => {
    await provide();
    rmSync(chosen().python);
    expect(await provide()).toBe(`${VERSIONS} (venv)`);
    expect(existsSync(chosen().python)).toBe(true);
  });

  it("leaves nothing behind where it fails, and says what pip said", async () => {
    pip = () => ({ status: 1, stderr: "ERROR: Connection refused\n" });
    const { code, hint } = await failure();
    expect([code, hint]).toEqual(["download-failed", expect.stringContaining("Connection refused")]);
    expect(readdirSync(cache)).toEqual([]);
  });

  it("trusts nothing that does not load", async () => {
    load = { status: 1, stderr: "Traceback\nImportError: libstdc++.so.6\n" };
    const { code, message } = await failure();
    expect([code, message]).toEqual(["keras-missing", expect.stringContaining("libstdc++.so.6")]);
    expect(readdirSync(cache)).toEqual([]);
  });

  it("clears away what a killed set-up left", async () => {
    const { temporaryFolder } = await import("../../../scripts/native/temporary-folder.mjs");
    temporaryFolder(cache);
    await provide();
    expect(readdirSync(cache).filter((name) => name.startsWith(".tmp"))).toEqual([]);
  });

  it("takes another Python where the first is too old", async () => {
    versions = { python3: "3.8", "python3.12": "3.12" };
    expect(await provide()).toBe(`${VERSIONS} (venv)`);
    expect(calls).toContainEqual(expect.stringMatching(/^python3\.12 -m venv/));
    versions = { python3: "3.8" };
    const { code, message } = await failure();
    expect([code, message]).toEqual(["python-missing", expect.stringContaining("python3 is Python 3.8")]);
  });

  it("installs nothing where THAW_KERAS_PYTHON names a Python", async () => {
    machine.env.THAW_KERAS_PYTHON = "/opt/python";
    expect(await provide()).toBe(`${VERSIONS} (THAW_KERAS_PYTHON)`);
    expect(readdirSync(cache)).toEqual([]);
    load = { status: 1, stderr: "ModuleNotFoundError: No module named 'keras'\n" };
    expect(await failure()).toMatchObject({ code: "keras-missing", hint: expect.stringContaining("unset it") });
  });
});
