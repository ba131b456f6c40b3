import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deserializeError, ThawError } from "@thaw/core";
import type { FromChild, ToChild } from "./messages.ts";

const STDERR_TAIL = 4000;
const CANCEL_GRACE_MS = 10_000;
/** What a child may take to end once it has said everything: a driver that hangs at exit is killed. */
const END_GRACE_MS = 2000;

/** The program of a runner's child process. */
export interface ChildProgram {
  /** The runner's name, for messages. */
  readonly name: string;
  /** The child's module without its ending: `.js` where it is built, `.ts` among the sources. */
  readonly entry: URL;
  /** What to do when the child crashes, one sentence. */
  readonly crashHint: string;
}

/** Run from source (tests) the child needs the loader that the parent has. */
function commandOf({ entry }: ChildProgram): { file: string; execArgv: string[] } {
  const built = `${fileURLToPath(entry)}.js`;
  if (existsSync(built)) return { file: built, execArgv: [] };
  return { file: `${fileURLToPath(entry)}.ts`, execArgv: ["--import", "tsx", "--conditions=source"] };
}

function crashed(
  { name, crashHint }: ChildProgram,
  code: number | null,
  signal: NodeJS.Signals | null,
  stderr: string,
): ThawError {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const tail = stderr.trim().split("\n").slice(-12).join("\n");
  return new ThawError("runner-crashed", `The process of runner "${name}" ended with ${how} before it was done.`, {
    hint:
      signal === "SIGKILL"
        ? "It was killed, most often for want of memory: use a smaller batchSize or imageSize."
        : `Its last output is in the details; ${crashHint}`,
    details: { stderr: tail },
  });
}

function reasonOf({ reason }: AbortSignal): ThawError {
  return reason instanceof ThawError ? reason : new ThawError("cancelled", "The run was cancelled.");
}

/**
 * Sends one request to a fresh child process and yields its answers until it is done. Nothing of it is left running
 * when the iteration ends, however it ends.
 * @param signal asks the child to stop; one that does not is killed, and at once where the reason is a ThawError
 * @throws ThawError the child's own error, `cancelled`, or `runner-crashed`
 */
export async function* askChild(
  program: ChildProgram,
  request: ToChild,
  signal?: AbortSignal,
): AsyncGenerator<FromChild> {
  const { file, execArgv } = commandOf(program);
  const child: ChildProcess = fork(file, [], {
    execArgv,
    serialization: "advanced", // NaN survives
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const queue: FromChild[] = [];
  let wake: () => void = () => undefined;
  let failure: Error | undefined;
  let finished = false;
  let ended = false;
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_TAIL);
  });
  child.on("message", (message: FromChild) => {
    queue.push(message);
    if (message.type === "done" || message.type === "error") finished = true;
    wake();
  });
  child.on("error", (error) => {
    failure = error;
    wake();
  });
  child.on("close", (code, exitSignal) => {
    ended = true;
    if (!finished) failure ??= crashed(program, code, exitSignal, stderr);
    wake();
  });

  let killTimer: NodeJS.Timeout | undefined;
  const killAfter = (ms: number): void => {
    clearTimeout(killTimer);
    killTimer = setTimeout(() => child.kill("SIGKILL"), ms);
  };
  const cancel = (): void => {
    if (child.connected) child.send({ type: "cancel" } satisfies ToChild);
    killAfter(signal?.reason instanceof ThawError ? 0 : CANCEL_GRACE_MS);
  };
  signal?.addEventListener("abort", cancel, { once: true });

  try {
    child.send(request);
    if (signal?.aborted) cancel();
    for (;;) {
      const message = queue.shift();
      if (message !== undefined) {
        if (message.type === "error") throw deserializeError(message.error);
        if (message.type === "done") return;
        yield message;
      } else if (failure !== undefined) {
        throw signal?.aborted ? reasonOf(signal) : failure;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (queue.length > 0 || failure !== undefined) resolve();
        });
      }
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
    if (!ended) {
      killAfter(finished ? END_GRACE_MS : 0);
      await new Promise<void>((resolve) => (ended ? resolve() : child.once("close", () => resolve())));
    }
    clearTimeout(killTimer);
  }
}
