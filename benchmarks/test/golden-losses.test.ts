import { createRunner as createBrowserRunner } from "@thaw/browser-runner";
import { LOSS_TOLERANCE, type Runner } from "@thaw/core";
import { createRunner as createDawnRunner } from "@thaw/dawn-runner";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GoldenFile, readGolden } from "../src/golden-file.ts";
import { goldenLosses } from "../src/golden-losses.ts";

const ALL = [0, 50, 100, 154];

// webgl and cpu take half a minute for a step with nothing frozen: the head alone here, all of it in the table.
const subjects: readonly (readonly [Runner, readonly number[]])[] = [
  [createBrowserRunner("webgpu"), ALL],
  [createDawnRunner("dawn"), ALL],
  [createBrowserRunner("wasm"), ALL],
  [createBrowserRunner("webgl"), [154]],
  [createBrowserRunner("cpu"), [154]],
];

describe.skipIf(process.env.THAW_ASSETS === undefined)("losses beside Keras float64 (needs THAW_ASSETS)", () => {
  let golden: GoldenFile;
  beforeAll(async () => {
    golden = await readGolden();
  });

  for (const [runner, depths] of subjects) {
    describe(`runner ${runner.name}`, () => {
      afterAll(() => runner.close?.());

      it.each([...depths])(
        "depth %i",
        async (depth) => {
          const { errors, frozen } = await goldenLosses(golden, runner, depth);
          expect(errors).toHaveLength(4);
          for (const error of errors) expect(error).toBeLessThan(depth === 0 ? LOSS_TOLERANCE.gate : 1e-5);
          expect(frozen.after).toBe(frozen.before);
        },
        240_000,
      );
    });
  }
});
