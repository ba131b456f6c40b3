import { type Availability, type EngineSettings, type RunEvent, type Runner, ThawError } from "@thaw/core";
import { type Ask, askAvailability, askRun } from "./asking.ts";
import { availabilityOf } from "./availability.ts";
import { converse, type ProgramWords } from "./conversation.ts";
import { openStdio, type StdioCommand } from "./stdio-link.ts";

export type { StdioCommand } from "./stdio-link.ts";

/** What a runner in another language is made of. */
export interface StdioRunnerOptions extends ProgramWords {
  /**
   * Looks at settings and fills in what was not given: the program gets them whole.
   * @throws ThawError `setting-invalid`
   */
  checkSettings(settings: EngineSettings): EngineSettings;
  /**
   * Says how the program is started.
   * @param settings whole
   * @throws ThawError why it cannot run here; a probe answers with it
   */
  command(settings: EngineSettings): StdioCommand | Promise<StdioCommand>;
  /** Whether a run can leave a trace. */
  readonly traces?: boolean;
  /** Whether a run leaves checkpoints and goes on from them. */
  readonly resumes?: boolean;
}

/**
 * A runner whose program is written in any language. Each probe and each run starts it afresh, writes one request to
 * its stdin and reads messages from its stdout, a line of JSON each; see docs/adding-a-runner.md.
 */
export function stdioRunner(options: StdioRunnerOptions): Runner {
  const { name, checkSettings, traces = false, resumes = false } = options;
  const askWith =
    (command: StdioCommand): Ask =>
    (request, signal) =>
      converse(options, () => openStdio(name, command), request, signal);
  return {
    name,
    traces,
    resumes,
    async probe(given = {}): Promise<Availability> {
      let settings: EngineSettings;
      let command: StdioCommand;
      try {
        settings = checkSettings(given);
        command = await options.command(settings);
      } catch (error) {
        return await availabilityOf(() => Promise.reject(error));
      }
      return await askAvailability(name, askWith(command), settings);
    },
    async *run(plan, run): AsyncGenerator<RunEvent> {
      const settings = checkSettings(run.settings);
      if (run.trace !== undefined && !traces) {
        throw new ThawError("trace-unsupported", `Runner "${name}" leaves no trace.`);
      }
      if (run.profile !== undefined) {
        throw new ThawError("profile-unsupported", `Runner "${name}" cannot be profiled.`);
      }
      if (run.checkpoint !== undefined && !resumes) {
        throw new ThawError("checkpoint-unsupported", `Runner "${name}" leaves no checkpoints.`);
      }
      yield* askRun(askWith(await options.command(settings)), plan, { ...run, settings });
    },
  };
}
