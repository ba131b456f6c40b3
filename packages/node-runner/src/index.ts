import { type Availability, type Runner, ThawError } from "@thaw/core";
import { askChild } from "./child-process.ts";
import { nodeSettings } from "./settings.ts";

export { describeNative } from "./native/describe.ts";

/** The runner on libtensorflow: `node`. Each run has a child process of its own. */
export function createRunner(name: string): Runner {
  if (name !== "node") throw new ThawError("runner-unknown", `@thaw/node-runner has no runner "${name}", only "node".`);
  return {
    name,
    async probe(settings = {}): Promise<Availability> {
      for await (const message of askChild({ type: "probe", settings })) {
        if (message.type === "available") return message.availability;
      }
      throw new ThawError("runner-crashed", 'Runner "node" did not answer the probe.');
    },
    async *run(plan, options) {
      const { signal, ...rest } = options;
      nodeSettings(options.settings);
      for await (const message of askChild({ type: "run", plan, options: rest }, signal)) {
        if (message.type === "event") yield message.event;
      }
    },
  };
}
