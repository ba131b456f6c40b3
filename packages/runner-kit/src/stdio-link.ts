import { spawn } from "node:child_process";
import { ThawError } from "@thaw/core";
import type { ChildLink } from "./conversation.ts";
import type { FromChild } from "./messages.ts";
import { programEnvironment } from "./program-environment.ts";

/** How to start a runner's program. */
export interface StdioCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables of this process that it needs beside the usual ones, by name; see {@link programEnvironment}. */
  readonly passedOn?: readonly string[];
  /** Variables to set. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Characters of a line that is no message, for the error. */
const SHOWN = 200;

const TYPES: Readonly<Record<FromChild["type"], true>> = {
  available: true,
  event: true,
  verdict: true,
  prediction: true,
  more: true,
  alive: true,
  error: true,
  done: true,
};

/** @throws ThawError `protocol-invalid` */
function parseMessage(runner: string, line: string): FromChild {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined; // told below
  }
  if (typeof value === "object" && value !== null && "type" in value && Object.hasOwn(TYPES, String(value.type))) {
    return value as FromChild;
  }
  const shown = line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
  throw new ThawError(
    "protocol-invalid",
    `The program of runner "${runner}" wrote a line that is no message: ${shown}`,
    {
      hint: "On stdout there may be messages alone, a JSON object a line; logs belong on stderr.",
    },
  );
}

/**
 * Starts a program that speaks JSON lines: requests on its stdin, messages on its stdout. It leads a process group of
 * its own, which ends with it.
 * @param runner its name, for messages
 */
export function openStdio(runner: string, { file, args, passedOn, env }: StdioCommand): ChildLink {
  const child = spawn(file, args, {
    env: { ...programEnvironment(process.env, passedOn), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: process.platform !== "win32", // there a group is a console window
  });
  const kill = (): void => {
    if (child.pid === undefined) return;
    try {
      if (process.platform === "win32") child.kill("SIGKILL");
      else process.kill(-child.pid, "SIGKILL");
    } catch {
      // the whole group is gone already
    }
  };
  child.once("exit", kill); // what it started holds its pipes open
  child.stdin.on("error", () => undefined); // it ended before it read: its end says more
  return {
    process: child,
    send(message) {
      if (child.stdin.writable) child.stdin.write(`${JSON.stringify(message)}\n`);
    },
    listen(onMessage, onFailure) {
      child.once("error", ({ message }) => {
        const what = `The program of runner "${runner}" cannot be started: ${message}.`;
        onFailure(new ThawError("runner-unavailable", what, { hint: `Check that ${file} is there and may be run.` }));
      });
      let rest = "";
      let broken = false;
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (broken || line.trim() === "") continue;
          try {
            onMessage(parseMessage(runner, line));
          } catch (error) {
            broken = true;
            onFailure(error as ThawError);
          }
        }
      });
    },
    kill,
  };
}
