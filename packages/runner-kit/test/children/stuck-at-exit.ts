import { serveRunner } from "../../src/index.ts";
import { toyEnvironment } from "../toy-environment.ts";

// A child whose driver never comes back from its own end.
process.on("exit", () => {
  for (;;);
});
serveRunner({
  environment: toyEnvironment,
  createHost: () => Promise.reject(new Error("This child is only asked what it runs on.")),
});
