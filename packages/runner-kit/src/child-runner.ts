import { type Availability, type EngineSettings, type RunEvent, type Runner, ThawError } from "@thaw/core";
import { askChild, type ChildProgram } from "./child-process.ts";
import { watchPlan } from "./watchdog.ts";

/** What a runner in a child process is made of. */
export interface ChildRunnerOptions extends ChildProgram {
  /**
   * Looks at a run's settings before a process is started for it.
   * @throws ThawError `setting-invalid`
   */
  checkSettings(settings: EngineSettings): unknown;
}

/**
 * A runner that probes and runs in child processes, a fresh one each time: an engine that crashes, hangs or keeps
 * memory does so in one cell. The child calls `serveRunner`.
 */
export function childRunner(options: ChildRunnerOptions): Runner {
  const { name, checkSettings } = options;
  return {
    name,
    async probe(settings = {}): Promise<Availability> {
      for await (const message of askChild(options, { type: "probe", settings })) {
        if (message.type === "available") return message.availability;
      }
      throw new ThawError("runner-crashed", `Runner "${name}" did not answer the probe.`);
    },
    async *run(plan, { signal, ...rest }): AsyncGenerator<RunEvent> {
      checkSettings(rest.settings);
      const hanging = new AbortController();
      const stop = signal === undefined ? hanging.signal : AbortSignal.any([signal, hanging.signal]);
      const watchdog = watchPlan(plan, (error) => hanging.abort(error));
      try {
        for await (const message of askChild(options, { type: "run", plan, options: rest }, stop)) {
          watchdog.stop(); // the caller's time is not the child's
          if (message.type === "event") yield message.event;
          watchdog.feed();
        }
      } finally {
        watchdog.stop();
      }
    },
  };
}
