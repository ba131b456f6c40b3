import { spawn } from "node:child_process";
import { ThawError } from "@thaw/core";
import type { ChildLink } from "./conversation.ts";
import { parseMessage, protocolInvalid } from "./message-shape.ts";
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

/** A run of a hundred thousand steps ends with a line of 2 MB; a program gone mad must not fill the memory. */
const MAX_LINE_CHARACTERS = 64 * 2 ** 20;

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
      const parts: string[] = [];
      let characters = 0;
      let broken = false;
      const attempt = (take: () => void): void => {
        try {
          take();
        } catch (error) {
          broken = true;
          onFailure(error as ThawError);
        }
      };
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        if (broken) return;
        const lines = text.split("\n");
        parts.push(lines[0] ?? "");
        characters += lines[0]?.length ?? 0;
        if (characters > MAX_LINE_CHARACTERS) {
          const problem = `it does not end within ${MAX_LINE_CHARACTERS} characters`;
          return attempt(() => {
            throw protocolInvalid(runner, parts.join(""), problem);
          });
        }
        if (lines.length === 1) return;
        const rest = lines.pop() ?? "";
        for (const line of [parts.join(""), ...lines.slice(1)]) {
          if (!broken && line.trim() !== "") attempt(() => onMessage(parseMessage(runner, line)));
        }
        parts.splice(0, parts.length, rest);
        characters = rest.length;
      });
    },
    kill,
  };
}
