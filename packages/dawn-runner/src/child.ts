import { serveRunner } from "@thaw/runner-kit";
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
});
