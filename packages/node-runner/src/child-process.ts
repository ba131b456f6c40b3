import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { deserializeError, ThawError } from "@thaw/core";
import type { FromChild, ToChild } from "./messages.ts";

const STDERR_TAIL = 4000;
const CANCEL_GRACE_MS = 10_000;

/** Run from source (tests) the child needs the loader that the parent has. */
function childEntry(): { file: string; execArgv: string[] } {
  const fromSource = import.meta.url.endsWith(".ts");
  const file = fileURLToPath(new URL(fromSource ? "./child.ts" : "./child.js", import.meta.url));
  return { file, execArgv: fromSource ? ["--import", "tsx", "--conditions=source"] : [] };
}

function crashed(code: number | null, signal: NodeJS.Signals | null, stderr: string): ThawError {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const tail = stderr.trim().split("\n").slice(-12).join("\n");
  return new ThawError("runner-crashed", `The process of runner "node" ended with ${how} before it was done.`, {
    hint:
      signal === "SIGKILL"
        ? "It was killed, most often for want of memory: use a smaller batchSize or imageSize."
        : "Its last output is in the details; `thaw doctor` checks libtensorflow.",
    details: { stderr: tail },
  });
}

/**
 * Sends one request to a fresh child process and yields its answers until it is done.
 * @throws ThawError the child's own error, or `runner-crashed`
 */
export async function* askChild(request: ToChild, signal?: AbortSignal): AsyncGenerator<FromChild> {
  const { file, execArgv } = childEntry();
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
    if (!finished) failure ??= crashed(code, exitSignal, stderr);
    wake();
  });

  let killTimer: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    if (child.connected) child.send({ type: "cancel" } satisfies ToChild);
    killTimer = setTimeout(() => child.kill("SIGKILL"), CANCEL_GRACE_MS);
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
        throw signal?.aborted ? new ThawError("cancelled", "The run was cancelled.") : failure;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (queue.length > 0 || failure !== undefined) resolve();
        });
      }
    }
  } finally {
    clearTimeout(killTimer);
    signal?.removeEventListener("abort", cancel);
    if (!ended) {
      if (!finished) child.kill("SIGKILL");
      await new Promise<void>((resolve) => (ended ? resolve() : child.once("close", () => resolve())));
    }
  }
}
