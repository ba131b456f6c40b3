import { judgeKernels, UNIT_ROUNDOFF } from "@thaw/core";
import { plainKernelsOf, serveRunner } from "@thaw/runner-kit";
import { openDawn } from "./dawn.ts";
import { createHost, environmentOf } from "./host.ts";
import { dawnSettings } from "./settings.ts";

// The process that loads Dawn: it may hang or crash, even at its end, and fails one cell and nothing else.

serveRunner({
  async environment(given) {
    const settings = dawnSettings(given);
    return environmentOf(await openDawn(settings), settings);
  },
  createHost,
  async judge(_, given, start) {
    const settings = dawnSettings(given);
    const dawn = await openDawn(settings);
    const kernels = dawn.kernels(plainKernelsOf(settings.plainKernels));
    const verdicts = judgeKernels(kernels, { unitRoundoff: UNIT_ROUNDOFF.wgsl, start });
    return { verdicts, failure: dawn.failure };
  },
});
