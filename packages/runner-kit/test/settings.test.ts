import type { EngineSettings } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { flag, integer, plainKernelNames, plainKernelsOf, settingsOf } from "../src/index.ts";

const table = { threads: integer(4, 1, 256), fast: flag(true), plainKernels: plainKernelNames };
const settings = (given: EngineSettings): unknown => settingsOf("toy", table, given);

function invalid(message: RegExp, hint: RegExp): unknown {
  return expect.objectContaining({
    code: "setting-invalid",
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
}

describe("settingsOf", () => {
  it("fills in what was not given", () => {
    expect(settings({})).toEqual({ threads: 4, fast: true, plainKernels: "" });
    expect(settings({ threads: 2, fast: false })).toEqual({ threads: 2, fast: false, plainKernels: "" });
  });

  it("names the nearest setting", () => {
    expect(() => settings({ thread: 2 })).toThrow(invalid(/Runner "toy" has no setting "thread"/, /"threads"\?/));
    expect(() => settings({ constructor: 2 })).toThrow(invalid(/constructor/, /threads, fast, plainKernels/));
  });

  it.each([{ threads: 0 }, { threads: 1.5 }, { threads: "2" }, { threads: 257 }])(
    "wants an integer, not %o",
    (given) => {
      expect(() => settings(given)).toThrow(invalid(/expected an integer from 1 to 256/, /Settings: threads/));
    },
  );

  it("wants true or false", () => {
    expect(() => settings({ fast: "yes" })).toThrow(invalid(/fast .* is "yes", expected true or false/, /Settings/));
  });
});

describe("plainKernels", () => {
  it("are names of kernels, or all", () => {
    expect(plainKernelsOf("")).toEqual([]);
    expect(plainKernelsOf("conv2d,batchNormTrain")).toEqual(["conv2d", "batchNormTrain"]);
    expect(plainKernelsOf("all")).toBe("all");
    for (const plainKernels of ["", "conv2d,batchNormTrain", "all"]) settings({ plainKernels });
  });

  it("that do not exist are an error: they would switch off nothing", () => {
    expect(() => settings({ plainKernels: "conv2d,batchNormTrian" })).toThrow(invalid(/batchNormTrian/, /Settings/));
  });
});
