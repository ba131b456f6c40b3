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
  judge(_, given, start) {
    const settings = nodeSettings(given);
    const kernels = kernelsOf(loadEngine(settings), settings);
    return { verdicts: judgeKernels(kernels, { unitRoundoff: UNIT_ROUNDOFF.float32, start }) };
  },
});
