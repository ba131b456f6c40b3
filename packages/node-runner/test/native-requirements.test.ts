import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { requireCompiler } from "../../../scripts/native/compile.mjs";
import { requireNativeTools } from "../../../scripts/native/install.mjs";
import { findLocalLibrary } from "../../../scripts/native/local-library.mjs";
import { requirePip } from "../../../scripts/native/python.mjs";
import { chooseVariant, readPins } from "../../../scripts/native/variant.mjs";
import { findOnPath, type Machine, thisMachine } from "../../../scripts/setup/machine.mjs";
import { requireNode } from "../../../scripts/setup/requirements.mjs";
import { SetupError } from "../../../scripts/setup/setup-error.mjs";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thaw-requirements-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** This machine with nothing on its PATH but links to `commands` and the scripts of `made`. */
function machineWith(
  commands: readonly string[],
  made: Record<string, string> = {},
  changes: Partial<Machine> = {},
): Machine {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  for (const name of commands) {
    const found = findOnPath(name, process.env);
    if (found === undefined) throw new Error(`this test needs ${name}`);
    symlinkSync(found, join(bin, name));
  }
  for (const [name, script] of Object.entries(made)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return thisMachine({
    env: { PATH: bin },
    cacheFolder: join(folder, "cache"),
    terminal: false,
    nvidiaDriverFile: join(folder, "no-driver"),
    ...changes,
  });
}

async function failure(work: () => unknown): Promise<{ code: string; message: string; hint: string }> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SetupError) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error("it did not fail");
}

describe("requireNode", () => {
  it.each(["18.20.4", "20.18.3"])("refuses Node %s", async (nodeVersion) => {
    expect(await failure(() => requireNode(machineWith([], {}, { nodeVersion })))).toMatchObject({
      code: "node-too-old",
      message: `This is Node ${nodeVersion}, and Thaw needs 20.19 or newer.`,
    });
  });

  it("takes 20.19 and newer, and needs npx", async () => {
    const npx = { npx: "exit 0" };
    for (const nodeVersion of ["20.19.0", "22.0.0", "24.1.0"]) {
      expect(requireNode(machineWith([], npx, { nodeVersion }))).toBe(`Node ${nodeVersion}, npx`);
    }
    rmSync(join(folder, "bin"), { recursive: true });
    expect(await failure(() => requireNode(machineWith([])))).toMatchObject({ code: "npx-missing" });
  });
});

describe("tools that build the addon", () => {
  it("names Debian's package for a missing compiler", async () => {
    expect(await failure(() => requireCompiler(machineWith([])))).toEqual({
      code: "compiler-missing",
      message: "A C++ compiler is needed to build the addon, and neither g++, c++ nor clang++ is on PATH.",
      hint: "On Debian and Ubuntu: apt install g++. Or set CXX to a C++17 compiler.",
    });
    const machine = machineWith([]);
    machine.env.CXX = "/nowhere/g++-99";
    expect((await failure(() => requireCompiler(machine))).message).toContain("CXX (/nowhere/g++-99) does not start");
  });

  it("names Debian's packages for a missing Python", async () => {
    expect(await failure(() => requirePip(machineWith([])))).toMatchObject({
      code: "python-missing",
      hint: expect.stringContaining("apt install python3 python3-pip"),
    });
  });

  it("names Debian's package for a Python without pip", async () => {
    const python = `case "$*" in --version) echo Python 3.11.2;; *) echo "No module named pip" >&2; exit 1;; esac`;
    expect(await failure(() => requirePip(machineWith([], { python3: python })))).toEqual({
      code: "pip-missing",
      message: 'pip is needed to fetch libtensorflow from its wheel, and "python3 -m pip" does not start.',
      hint: "On Debian and Ubuntu: apt install python3-pip. Or set THAW_PYTHON to a Python 3 that has pip.",
    });
  });

  it("tells all that is missing at once", async () => {
    const machine = machineWith([]);
    const choice = await chooseVariant(thisMachine({ env: { THAW_DEVICE: "cpu" }, platform: "linux", arch: "x64" }));
    const { message, hint } = await failure(() => requireNativeTools(machine, choice));
    expect(message).toMatch(/C\+\+ compiler.*Python 3 is needed/);
    expect(hint).toMatch(/apt install g\+\+[\s\S]*apt install python3/);
  });

  it("refuses a C library that the wheels are not made for", async () => {
    const machine = machineWith([], {}, { glibcVersion: () => undefined, platform: "linux" });
    const choice = await chooseVariant(thisMachine({ env: { THAW_DEVICE: "cpu" }, platform: "linux", arch: "x64" }));
    expect(await failure(() => requireNativeTools(machine, choice))).toMatchObject({
      code: "unsupported-platform",
      message: expect.stringContaining("need glibc"),
      hint: expect.stringContaining("LIBTENSORFLOW_DIR"),
    });
  });
});

describe("chooseVariant", () => {
  const linux = { platform: "linux", arch: "x64" } as const;
  const driver = { "nvidia-smi": 'echo "GPU 0: NVIDIA H100"' };
  const noDriver = { "nvidia-smi": "echo GPU access blocked; exit 9" };

  it("follows THAW_DEVICE", async () => {
    for (const device of ["cpu", "cuda"] as const) {
      const machine = machineWith([], {}, linux);
      machine.env.THAW_DEVICE = device;
      expect(await chooseVariant(machine)).toMatchObject({ variant: device, reason: `THAW_DEVICE=${device}` });
    }
  });

  it("takes CUDA where a driver answers, or shows in /proc", async () => {
    const nvidiaDriverFile = join(folder, "version");
    writeFileSync(nvidiaDriverFile, "NVRM version");
    expect(await chooseVariant(machineWith([], {}, { ...linux, nvidiaDriverFile }))).toMatchObject({ variant: "cuda" });
    expect(await chooseVariant(machineWith([], driver, linux))).toMatchObject({ variant: "cuda" });
  });

  it("takes CPU where the driver's tool is there and the driver is not", async () => {
    expect(await chooseVariant(machineWith([], noDriver, linux))).toMatchObject({
      variant: "cpu",
      reason: "no NVIDIA driver",
    });
  });

  it("takes the user's own before everything else", async () => {
    const machine = machineWith([], driver, linux);
    Object.assign(machine.env, { LIBTENSORFLOW_DIR: "/opt/tf", THAW_DEVICE: "cuda" });
    expect(await chooseVariant(machine)).toMatchObject({ variant: "local", folder: "/opt/tf" });
  });

  it("refuses a device that there is not", async () => {
    const machine = machineWith([], {}, linux);
    machine.env.THAW_DEVICE = "gpu";
    expect(await failure(() => chooseVariant(machine))).toMatchObject({
      code: "bad-device",
      message: 'THAW_DEVICE is "gpu"; it can be "cpu" or "cuda".',
    });
  });

  it.each([
    ["darwin", "arm64"],
    ["win32", "x64"],
    ["linux", "riscv64"],
  ] as const)("names LIBTENSORFLOW_DIR on %s-%s", async (platform, arch) => {
    expect(await failure(() => chooseVariant(machineWith([], {}, { platform, arch })))).toMatchObject({
      code: "unsupported-platform",
      message: expect.stringContaining(`${platform}-${arch}`),
      hint: expect.stringContaining("LIBTENSORFLOW_DIR"),
    });
  });

  it("refuses CUDA where only the CPU build is pinned", async () => {
    const machine = machineWith([], {}, { platform: "linux", arch: "arm64" });
    machine.env.THAW_DEVICE = "cuda";
    expect(await failure(() => chooseVariant(machine))).toMatchObject({ code: "unsupported-platform" });
  });

  it("pins one TensorFlow version, and the twelve NVIDIA wheels of its CUDA build", () => {
    const { platforms, tensorflow } = readPins();
    const all = Object.values(platforms).flatMap(({ cpu, cuda }) => [...(cpu?.wheels ?? []), ...(cuda?.wheels ?? [])]);
    for (const wheel of all) {
      expect(wheel.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(wheel.file).toContain(`${wheel.package.replaceAll("-", "_")}-${wheel.version}-`);
      if (wheel.package.startsWith("tensorflow")) expect(wheel.version).toBe(tensorflow);
    }
    expect(platforms["linux-x64"]?.cuda?.wheels.filter((wheel) => wheel.package.startsWith("nvidia-"))).toHaveLength(
      12,
    );
  });
});

describe("findLocalLibrary", () => {
  it("says what LIBTENSORFLOW_DIR lacks", async () => {
    const own = join(folder, "own");
    expect((await failure(() => findLocalLibrary(own))).message).toBe(`LIBTENSORFLOW_DIR (${own}) is no folder.`);
    mkdirSync(join(own, "lib"), { recursive: true });
    expect((await failure(() => findLocalLibrary(own))).message).toContain("holds no libtensorflow");
    writeFileSync(join(own, "lib", "libtensorflow.so.2"), "");
    expect((await failure(() => findLocalLibrary(own))).message).toContain(
      "lacks the header include/tensorflow/c/c_api.h",
    );
  });

  it("finds both layouts", () => {
    for (const [name, place] of [
      ["archive", "lib"],
      ["package", "."],
    ] as const) {
      const own = join(folder, name);
      mkdirSync(join(own, "include", "tensorflow", "c", "eager"), { recursive: true });
      mkdirSync(join(own, place), { recursive: true });
      for (const header of ["c_api.h", "eager/c_api.h"])
        writeFileSync(join(own, "include", "tensorflow", "c", header), "");
      for (const library of ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"])
        writeFileSync(join(own, place, library), "");
      const found = findLocalLibrary(own);
      expect(found.libraryFolder).toBe(join(own, place));
      expect(found.libraries).toHaveLength(2);
    }
  });
});
