import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FromChild, ToChild } from "./messages.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
/** JavaScript's own memory: no case needs a tenth of it. */
const HEAP_MEGABYTES = 1024;
const START_MS = 120_000;

/** How a conversation with a child ended. */
export type Ending = "done" | "silent" | "ended";

/** A child process that reads cases: what it reads may hang it, or take it along. */
export interface ChildLink {
  /**
   * Sends a request and listens until it is done, or until the child has said nothing for so long, or has ended.
   * A child that is silent is killed.
   */
  ask(message: ToChild, silenceMs: number, onMessage: (message: FromChild) => void): Promise<Ending>;
  /** Signal or exit code of a child that has ended, and its last words. */
  lastWords(): string;
  close(): Promise<void>;
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
}

/** @param targets URL of the module that has the targets */
export async function startChild(targets: string): Promise<ChildLink> {
  const child = fork(CHILD, [targets], {
    execArgv: ["--import", "tsx", "--conditions=source", `--max-old-space-size=${HEAP_MEGABYTES}`],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...process.env, THAW_OFFLINE: "1" },
  });
  let stderr = "";
  child.stderr?.on("data", (text: Buffer) => {
    stderr = (stderr + text.toString()).slice(-4000);
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The child did not start: ${stderr}`)), START_MS);
    const settle = (): void => {
      clearTimeout(timer);
      resolve();
    };
    child.once("message", settle);
    child.once("exit", settle); // the first request tells
  });
  return {
    ask(message, silenceMs, onMessage) {
      return new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        const end = (ending: Ending): void => {
          clearTimeout(timer);
          child.off("message", listen);
          child.off("exit", onExit);
          if (ending === "silent") child.kill("SIGKILL");
          resolve(ending);
        };
        const onExit = (): void => end("ended");
        const rearm = (): void => {
          clearTimeout(timer);
          timer = setTimeout(() => end("silent"), silenceMs);
        };
        const listen = (said: FromChild): void => {
          rearm();
          if (said.type === "done" || said.type === "written") end("done");
          else onMessage(said);
        };
        if (!child.connected) return end("ended");
        child.on("message", listen);
        child.on("exit", onExit);
        rearm();
        child.send(message, (error) => {
          if (error !== null) end("ended");
        });
      });
    },
    lastWords: () => `${child.signalCode ?? `exit code ${child.exitCode}`}: ${stderr.trim().slice(-1000)}`,
    async close() {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
      await endOf(child);
      clearTimeout(timer);
    },
  };
}
