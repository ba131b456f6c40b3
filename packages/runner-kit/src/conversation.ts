import type { ChildProcess } from "node:child_process";
import { deserializeError, ThawError } from "@thaw/core";
import type { FromChild, ToChild } from "./messages.ts";

const STDERR_TAIL = 4000;
const CANCEL_GRACE_MS = 10_000;
/** What a child may take to end once it has said everything: a driver that hangs at exit is killed. */
const END_GRACE_MS = 2000;

/** The program of a runner's child process, for messages. */
export interface ProgramWords {
  /** The runner's name. */
  readonly name: string;
  /** What to do when the child crashes, one sentence. */
  readonly crashHint: string;
}

/** A child process that was started, and how messages travel to it and from it. */
export interface ChildLink {
  /** Its stderr is a pipe. */
  readonly process: ChildProcess;
  send(message: ToChild): void;
  /** Calls back for every message, and where the process cannot be started or says what is no message. */
  listen(onMessage: (message: FromChild) => void, onFailure: (error: ThawError) => void): void;
  /** Ends it at once, with everything that it started where the system can. */
  kill(): void;
}

/** A child's messages; what is handed to `next` is sent to it. */
export type Conversation = AsyncGenerator<FromChild, void, ToChild | undefined>;

/** How Node, C++, Python and Linux say that there is no memory left. */
const NO_MEMORY = /out of memory|bad_alloc|MemoryError|cannot allocate memory|ENOMEM/i;
const LESS_MEMORY = "use a smaller batchSize or imageSize, or keep less of frozen layers (--cache-bytes).";

function hintOf(signal: NodeJS.Signals | null, stderr: string, crashHint: string): string {
  if (NO_MEMORY.test(stderr)) return `It ran out of memory: ${LESS_MEMORY}`;
  if (signal === "SIGKILL") return `It was killed, most often for want of memory: ${LESS_MEMORY}`;
  return `Its last output is in the details; ${crashHint}`;
}

function crashed(
  { name, crashHint }: ProgramWords,
  code: number | null,
  signal: NodeJS.Signals | null,
  stderr: string,
): ThawError {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const tail = stderr.trim().split("\n").slice(-12).join("\n");
  return new ThawError("runner-crashed", `The process of runner "${name}" ended with ${how} before it was done.`, {
    hint: hintOf(signal, stderr, crashHint),
    details: { stderr: tail },
  });
}

function reasonOf({ reason }: AbortSignal): ThawError {
  return reason instanceof ThawError ? reason : new ThawError("cancelled", "The run was cancelled.");
}

/**
 * Sends one request to a fresh child process and yields its answers until it is done. Nothing of it is left running
 * when the iteration ends, however it ends.
 * @param open starts the process
 * @param signal asks the child to stop; one that does not is killed, and at once where the reason is a ThawError
 * @throws ThawError the child's own error, `cancelled`, `runner-crashed`, `runner-unavailable`, or `protocol-invalid`
 */
export async function* converse(
  words: ProgramWords,
  open: () => ChildLink,
  request: ToChild,
  signal?: AbortSignal,
): Conversation {
  const link = open();
  const child = link.process;
  const queue: FromChild[] = [];
  let wake: () => void = () => undefined;
  let failure: Error | undefined;
  let finished = false;
  let ended = false;
  let stderr = "";
  const fail = (error: Error): void => {
    failure ??= error;
    wake();
  };
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_TAIL);
  });
  link.listen((message) => {
    queue.push(message);
    if (message.type === "done" || message.type === "error") finished = true;
    wake();
  }, fail);
  child.on("error", fail);
  child.on("close", (code, exitSignal) => {
    ended = true;
    if (!finished) fail(crashed(words, code, exitSignal, stderr));
    wake();
  });

  let killTimer: NodeJS.Timeout | undefined;
  const killAfter = (ms: number): void => {
    clearTimeout(killTimer);
    killTimer = setTimeout(link.kill, ms);
  };
  const cancel = (): void => {
    link.send({ type: "cancel" });
    killAfter(signal?.reason instanceof ThawError ? 0 : CANCEL_GRACE_MS);
  };
  signal?.addEventListener("abort", cancel, { once: true });

  try {
    link.send(request);
    if (signal?.aborted) cancel();
    for (;;) {
      const message = queue.shift();
      if (message !== undefined) {
        if (message.type === "error") throw deserializeError(message.error);
        if (message.type === "done") return;
        const reply = yield message;
        if (reply !== undefined) link.send(reply);
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
