import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { provideChromium } from "../../../scripts/setup/chromium.mjs";
import { type Finished, type Machine, thisMachine } from "../../../scripts/setup/machine.mjs";
import { SetupError } from "../../../scripts/setup/setup-error.mjs";
import { stepPrinter } from "../../../scripts/setup/steps.mjs";
import realPlaces from "../data/browser-places.json" with { type: "json" };

// A machine of which the test says what is there: commands are written down and answered, none is started.
type Answer = (args: readonly string[]) => Partial<Finished> | undefined;
let folder: string;
let machine: Machine;
let places: string;
let calls: string[];
let answers: Record<string, Answer>;

const CHROMIUM: Answer = () => ({ stdout: "Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)\n" });
const SEARCH = "node -e";
const DOWNLOAD = "node cli.js install chromium --no-shell --no-progress";
const INSTALL = "apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends chromium";
const UPDATE = "apt-get -o DPkg::Lock::Timeout=120 update";
const SHOW = "apt-cache show --no-all-versions chromium";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thaw-browser-"));
  calls = [];
  const offline = { status: 1, stdout: "Error: Download failure, code=1\n", stderr: "Error: getaddrinfo ENOTFOUND\n" };
  answers = { node: () => offline };
  places = join(folder, "places.json");
  // The absolute paths are left out: this machine's own browser may be there.
  writeFileSync(places, JSON.stringify({ linux: { names: realPlaces.linux.names, files: [] } }));
  machine = thisMachine({
    root: join(folder, "checkout"),
    cacheFolder: join(folder, "cache"),
    env: { PATH: join(folder, "bin") },
    platform: "linux",
    isRoot: false,
    terminal: false,
    say: () => {},
    run: async (command, args) => {
      const name = command === process.execPath ? "node" : basename(command);
      const shown = args[0] === "-e" ? ["-e"] : args.map((arg) => (arg.startsWith("/") ? basename(arg) : arg));
      calls.push([name, ...shown].join(" "));
      return { status: 0, signal: null, stdout: "", stderr: "", ...answers[name]?.(args) };
    },
  });
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Puts a program there. */
function program(path: string, content = "#!/bin/sh\n"): string {
  const file = path.startsWith("/") ? path : join(folder, "bin", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode: 0o755 });
  return file;
}

/** Lets Playwright say where its Chromium is, and `onCommand` see what else it is asked. */
function playwright(onCommand: Answer = () => undefined): string {
  const path = join(folder, "ms-playwright", "chromium-1255", "chrome-linux64", "chrome");
  answers.node = (args) => (args[0] === "-e" ? { stdout: `${path}\n` } : onCommand(args));
  answers.chrome = () => ({ stdout: "Google Chrome for Testing 159.0.8154.6\n" });
  return path;
}

function downloaded(path: string): void {
  program(path);
  writeFileSync(join(folder, "ms-playwright", "chromium-1255", "INSTALLATION_COMPLETE"), "");
}

const chosen = (): unknown => JSON.parse(readFileSync(join(folder, "cache", "browser.json"), "utf8"));
const provide = (): ReturnType<typeof provideChromium> => provideChromium(machine, places);

async function failure(): Promise<SetupError> {
  const error = await provide().catch((thrown: unknown) => thrown);
  if (error instanceof SetupError) return error;
  throw new Error("it did not fail", { cause: error });
}

describe("a browser that is there", () => {
  it("is found on PATH, and not asked again while it is the same", async () => {
    answers.chromium = CHROMIUM;
    const path = program("chromium");
    expect(await provide()).toBe("Chromium 156.0.8078.79 (system)");
    expect(chosen()).toMatchObject({ path, version: "Chromium 156.0.8078.79", source: "system" });
    expect(await provide()).toBe("Chromium 156.0.8078.79 (system)");
    expect(calls).toEqual(["chromium --version"]);
    program("chromium", "#!/bin/sh\n# a newer one\n");
    answers.chromium = () => ({ stdout: "Chromium 157.0.0.1\n" });
    expect(await provide()).toBe("Chromium 157.0.0.1 (system)");
  });

  it("is passed over if it does not answer, as Ubuntu's stub of a snap", async () => {
    answers["google-chrome"] = () => ({ status: 1, stderr: "requires the chromium snap\n" });
    answers.chromium = CHROMIUM;
    program("google-chrome");
    const path = program("chromium");
    expect(await provide()).toBe("Chromium 156.0.8078.79 (system)");
    expect(chosen()).toMatchObject({ path });
  });

  it("may be Playwright's, if its download was not cut off", async () => {
    const path = playwright(() => ({ status: 1 }));
    program(path);
    expect(await provide()).toHaveProperty("warning");
    downloaded(path);
    expect(await provide()).toBe("Google Chrome for Testing 159.0.8154.6 (Playwright)");
    expect(chosen()).toMatchObject({ path });
  });
});

describe("THAW_CHROMIUM", () => {
  it("comes first, and is forgotten when it is unset", async () => {
    answers.chromium = CHROMIUM;
    answers.own = () => ({ stdout: "Chromium 99.1\n" });
    program("chromium");
    const path = program(join(folder, "elsewhere", "own"));
    await provide();
    machine.env.THAW_CHROMIUM = path;
    expect(await provide()).toBe("Chromium 99.1 (THAW_CHROMIUM)");
    expect(chosen()).toMatchObject({ path });
    delete machine.env.THAW_CHROMIUM;
    expect(await provide()).toBe("Chromium 156.0.8078.79 (system)");
  });

  it("is an error if it names no browser", async () => {
    program("chromium");
    machine.env.THAW_CHROMIUM = "/nonexistent/chrome";
    const { code, message, hint } = await failure();
    expect([code, message]).toEqual(["browser-missing", "THAW_CHROMIUM is /nonexistent/chrome, which is no program."]);
    expect(hint).toContain("unset it");
    machine.env.THAW_CHROMIUM = program("own");
    answers.own = () => ({ status: 127, stderr: "error while loading shared libraries: libnss3.so\n" });
    expect((await failure()).message).toContain("does not start: error while loading shared libraries: libnss3.so");
  });
});

describe("without a browser", () => {
  /** What apt-cache tells once the lists are there, and a package that is there once it is installed. */
  function debian({ version = "156.0.8078.79-1~deb12u1", lists = true } = {}): void {
    machine.isRoot = true;
    program("apt-get");
    answers["apt-cache"] = () => ({ stdout: lists ? `Package: chromium\nVersion: ${version}\n` : "" });
    answers["apt-get"] = (args) => {
      if (args.includes("update")) lists = true;
      else program("chromium");
      return undefined;
    };
    answers.chromium = CHROMIUM;
  }

  it("root on Debian gets the package", async () => {
    debian();
    expect(await provide()).toBe("Chromium 156.0.8078.79 (apt-get)");
    expect(calls).toEqual([SEARCH, SHOW, INSTALL, "chromium --version"]);
    calls = [];
    expect(await provide()).toBe("Chromium 156.0.8078.79 (apt-get)");
    expect(calls).toEqual([]);
  });

  it("apt-get's lists are fetched only where they lack the package", async () => {
    debian({ lists: false });
    expect(await provide()).toBe("Chromium 156.0.8078.79 (apt-get)");
    expect(calls).toEqual([SEARCH, SHOW, UPDATE, SHOW, INSTALL, "chromium --version"]);
  });

  it.each([
    ["somebody who is not root", () => debian(), () => Object.assign(machine, { isRoot: false })],
    ["Ubuntu, where the package is a snap,", () => debian({ version: "2:1snap1-0ubuntu2" }), () => {}],
  ])("%s gets Playwright's", async (_who, system, change) => {
    system();
    change();
    const path = playwright(() => downloaded(path) as undefined);
    expect(await provide()).toBe("Google Chrome for Testing 159.0.8154.6 (Playwright)");
    expect(calls.filter((call) => call !== SHOW)).toEqual([SEARCH, DOWNLOAD, SEARCH, "chrome --version"]);
  });

  it("root gets the libraries too that Playwright's lacks", async () => {
    debian({ version: "2:1snap1-0ubuntu2" });
    let libraries = false;
    const path = playwright((args) => {
      if (args.includes("install-deps")) libraries = true;
      else downloaded(path);
      return undefined;
    });
    answers.chrome = () => (libraries ? { stdout: "Google Chrome for Testing 159.0.8154.6\n" } : { status: 127 });
    expect(await provide()).toBe("Google Chrome for Testing 159.0.8154.6 (Playwright)");
    expect(calls).toContain("node cli.js install-deps chromium");
  });

  it("and without a way to get one, set-up goes on with a warning that says why", async () => {
    debian();
    answers["apt-get"] = () => ({ status: 100, stderr: "E: Unable to fetch some archives\n" });
    mkdirSync(join(folder, "checkout", "packages", "browser-runner"), { recursive: true });
    const manifest = { thaw: { runners: ["webgpu", "wasm"] } };
    writeFileSync(join(folder, "checkout", "packages", "browser-runner", "package.json"), JSON.stringify(manifest));
    const lines: string[] = [];
    const { step } = stepPrinter(
      (line) => lines.push(line),
      () => 0,
    );
    await step("browser", provide);
    expect(calls).toEqual([SEARCH, SHOW, INSTALL, UPDATE, INSTALL, DOWNLOAD]);
    expect(lines).toEqual([
      "  warn     0.0 s  browser: none, so these runners will be missing: webgpu, wasm",
      "        apt-get: E: Unable to fetch some archives",
      "        Playwright: Error: getaddrinfo ENOTFOUND",
      "        Install Chrome or Chromium (Debian: apt-get install chromium), or set THAW_CHROMIUM to the path of one;",
      "        then run npm run setup again.",
    ]);
    expect(existsSync(join(folder, "cache", "browser.json"))).toBe(false);
  });
});
