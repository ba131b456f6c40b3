import { type Runner, ThawError } from "@thaw/core";

/** A runner that cannot run on any machine. */
export function createRunner(): Runner {
  return {
    name: "absent",
    probe: async () => ({ ok: false, code: "gpu-missing", reason: "There is no such device.", hint: "Buy one." }),
    // biome-ignore lint/correctness/useYield: it never gets as far
    async *run() {
      throw new ThawError("internal", "An absent runner was run.");
    },
  };
}
