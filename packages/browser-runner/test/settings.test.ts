import { describe, expect, it } from "vitest";
import { browserSettings, openRequest, recordedSettings } from "../src/settings.ts";

describe("settings of the browser's engines", () => {
  it("have defaults", () => {
    const expected = { requireHardware: false, threads: 1, plainKernels: "", port: 0 };
    expect(browserSettings("webgpu", {})).toEqual(expected);
    expect(browserSettings("wasm", { threads: 2 })).toEqual({ ...expected, threads: 2 });
  });

  it.each([
    ["webgpu", { threads: 2 }, 'Runner "webgpu" has no setting "threads".'],
    ["wasm", { plainKernels: "all" }, 'Runner "wasm" has no setting "plainKernels".'],
    ["wasm", { threads: 9 }, 'Setting threads of runner "wasm" is 9, expected an integer from 1 to 8.'],
    [
      "webgl",
      { requireHardware: "yes" },
      'Setting requireHardware of runner "webgl" is "yes", expected true or false.',
    ],
    ["cpu", { port: 65536 }, 'Setting port of runner "cpu" is 65536, expected an integer from 0 to 65535.'],
    ["webgpu", { plainKernels: "conv3d" }, 'Setting plainKernels of runner "webgpu" is "conv3d"'],
  ] as const)("of %s refuse %o", (engine, settings, message) => {
    expect(() => browserSettings(engine, settings)).toThrow(message);
  });

  it("reach the page, and the record without the port", () => {
    const settings = browserSettings("webgpu", { plainKernels: "conv2d,add", port: 4000 });
    expect(openRequest("webgpu", settings)).toEqual({
      engine: "webgpu",
      requireHardware: false,
      threads: 1,
      plainKernels: ["conv2d", "add"],
    });
    expect(recordedSettings("webgpu", settings)).toEqual({ requireHardware: false, plainKernels: "conv2d,add" });
    expect(recordedSettings("cpu", settings)).toEqual({});
  });
});
