import { judgeKernels, UNIT_ROUNDOFF } from "@thaw/core";
import { serveRunner } from "@thaw/runner-kit";
import { createHost, environmentOf, kernelsOf, loadEngine } from "./host.ts";
import { nodeSettings } from "./settings.ts";

// The process that loads libtensorflow: a crash here fails one cell and nothing else.

serveRunner({
  environment(given) {
    const settings = nodeSettings(given);
    return environmentOf(loadEngine(settings), settings);
  },
  createHost,
  async judge(suite, given, start) {
    const settings = nodeSettings(given);
    const engine = loadEngine(settings);
    const options = { unitRoundoff: UNIT_ROUNDOFF.float32, start };
    if (suite === "kernels") return { verdicts: judgeKernels(kernelsOf(engine, settings), options) };
    const { judgeTfjs } = await import("@thaw/tfjs-ops");
    return { verdicts: judgeTfjs({ tf: engine.tf, ...options }) };
  },
});
