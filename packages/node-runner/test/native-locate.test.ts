import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ThawError } from "@thaw/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Environment } from "../src/native/cache-folder.ts";
import { describeNative } from "../src/native/describe.ts";
import { locateNative } from "../src/native/locate.ts";
import type { NativeManifest } from "../src/native/manifest.ts";

const KEY = "tf-2.21.0-cpu-napi8-00000000";
let cache: string;
let folder: string;
let manifest: NativeManifest;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "thaw-locate-"));
  folder = join(cache, "native", KEY);
  mkdirSync(join(folder, "tensorflow"), { recursive: true });
  writeFileSync(join(folder, "tfjs_binding.node"), "not an addon");
  writeFileSync(join(folder, "tensorflow", "lib.so"), "library");
  // The sources of the installed package, as the real set-up has recorded them.
  const { sources } = locateNative().manifest;
  manifest = {
    schema: 1,
    key: KEY,
    tfVersion: "2.21.0",
    variant: "cpu",
    platform: "linux-x64",
    wheels: [],
    libraryFolder: "tensorflow",
    libtensorflowDir: null,
    compiler: "g++ 12",
    package: "@tensorflow/tfjs-node-gpu@4.22.0",
    sources,
    addon: "tfjs_binding.node",
    files: [
      { path: "tfjs_binding.node", bytes: 12 },
      { path: "tensorflow/lib.so", bytes: 7 },
    ],
    builtAt: "2026-11-24T00:00:00.000Z",
  };
  write();
});

afterEach(() => rmSync(cache, { recursive: true }));

function write(changes: Partial<NativeManifest> = {}, pointers: readonly string[] = ["current", "current-cpu"]): void {
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ ...manifest, ...changes }));
  for (const name of pointers) writeFileSync(join(cache, "native", `${name}.json`), JSON.stringify({ key: KEY }));
}

function failure(env: Environment = {}): { code: string; message: string; hint: string | undefined } {
  try {
    locateNative({ THAW_CACHE: cache, ...env });
  } catch (error) {
    if (error instanceof ThawError) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error("it was found");
}

describe("locateNative", () => {
  it("finds what set-up has built last", () => {
    const found = locateNative({ THAW_CACHE: cache });
    expect(found.addon).toBe(join(folder, "tfjs_binding.node"));
    expect(found.manifest).toEqual(manifest);
    expect(locateNative({ XDG_CACHE_HOME: "/nowhere", THAW_CACHE: cache }).folder).toBe(folder);
  });

  it("looks in $XDG_CACHE_HOME/thaw without THAW_CACHE", () => {
    expect(failure({ THAW_CACHE: undefined, XDG_CACHE_HOME: cache }).message).toContain(join(cache, "thaw", "native"));
  });

  it("says that nothing was set up, or not for that device", () => {
    expect(failure({ THAW_DEVICE: "cuda" })).toEqual({
      code: "native-missing",
      message: `There is no cuda libtensorflow in ${join(cache, "native")}.`,
      hint: "Run in the checkout: npm run setup (with THAW_DEVICE=cuda)",
    });
    rmSync(join(cache, "native", "current.json"));
    expect(failure()).toMatchObject({ code: "native-missing", hint: "Run in the checkout: npm run setup" });
    expect(locateNative({ THAW_CACHE: cache, THAW_DEVICE: "cpu" }).folder).toBe(folder);
  });

  it("refuses a device that there is not", () => {
    expect(failure({ THAW_DEVICE: "tpu" })).toMatchObject({
      code: "bad-device",
      message: expect.stringContaining('"tpu"'),
    });
  });

  it("refuses a library that is gone or has changed its size", () => {
    const library = join(folder, "tensorflow", "lib.so");
    writeFileSync(library, "cut");
    expect(failure().message).toBe(`${library} has 3 bytes; it had 7 when the addon was built.`);
    rmSync(library);
    expect(failure().message).toBe(`${library} is missing.`);
  });

  it("refuses an addon without its manifest", () => {
    rmSync(join(folder, "manifest.json"));
    expect(failure().message).toBe(`The addon's manifest is missing from ${folder}.`);
  });

  it("refuses an addon built from other sources than the installed package's", () => {
    write({ sources: { ...manifest.sources, "binding/tfjs_backend.cc": "0".repeat(64) } });
    expect(failure()).toMatchObject({
      code: "native-missing",
      message: expect.stringContaining("binding/tfjs_backend.cc"),
    });
  });

  it("refuses an addon built for another LIBTENSORFLOW_DIR", () => {
    write({ variant: "local", libtensorflowDir: "/opt/old" }, ["current-local"]);
    expect(failure({ LIBTENSORFLOW_DIR: "/opt/new" }).message).toContain(
      "LIBTENSORFLOW_DIR=/opt/old, which is now /opt/new",
    );
    expect(locateNative({ THAW_CACHE: cache, LIBTENSORFLOW_DIR: "/opt/old/" }).folder).toBe(folder);
  });

  it("leaves it to describeNative to find that a file of the right size is no addon", async () => {
    const native = await describeNative({
      ...process.env,
      THAW_CACHE: cache,
      THAW_DEVICE: "cpu",
      LIBTENSORFLOW_DIR: "",
    });
    expect(native).toMatchObject({ ok: false, code: "native-broken" });
    expect(readFileSync(join(folder, "tfjs_binding.node"), "utf8")).toBe("not an addon");
  });
});
