import { serveRunner } from "@thaw/runner-kit";
import { createHost, environmentOf, loadEngine } from "./host.ts";
import { nodeSettings } from "./settings.ts";

// The process that loads libtensorflow: a crash here fails one cell and nothing else.

serveRunner({
  environment(given) {
    const settings = nodeSettings(given);
    return environmentOf(loadEngine(settings), settings);
  },
  createHost,
});
