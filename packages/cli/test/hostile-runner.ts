import { type Environment, type RunEvent, type Runner, ThawError } from "@thaw/core";
import { findRunner } from "../src/registry.ts";

/** What a terminal, a CI's log or a reader could be fooled by. */
export const HOSTILE =
  "\u001b]0;title\u0007\u001b[31mred\u009b2J\u202egnp.exe\u200b\u0008\r\n::error::planted\n  ::set-output name=x::planted\n##[error]planted\n<b>|`**";

function hostileEnvironment(environment: Environment): Environment {
  return {
    ...environment,
    engine: HOSTILE,
    device: { ...environment.device, name: `=cmd|${HOSTILE}`, software: false, note: HOSTILE },
    versions: { ...environment.versions, planted: HOSTILE },
  };
}

/** The runner `node` with texts that nobody should print as they are; with epochs to come it fails at the first. */
export function createRunner(): Runner {
  const node = findRunner("node");
  return {
    name: "hostile",
    async probe() {
      const answer = await (await node).probe();
      return answer.ok ? { ok: true, environment: hostileEnvironment(answer.environment) } : answer;
    },
    async *run(plan, options): AsyncGenerator<RunEvent> {
      for await (const event of (await node).run(plan, { ...options, settings: {} })) {
        yield event.type === "start" ? { ...event, environment: hostileEnvironment(event.environment) } : event;
        if (event.type === "start") yield { type: "warning", code: HOSTILE, message: HOSTILE };
        if (event.type === "epoch" && plan.spec.name === "failing") {
          throw new ThawError(HOSTILE, HOSTILE, { hint: HOSTILE, details: { stderr: HOSTILE } });
        }
      }
    },
  };
}
