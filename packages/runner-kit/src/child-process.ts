import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ChildLink, type Conversation, converse, type ProgramWords } from "./conversation.ts";
import type { ToChild } from "./messages.ts";
import { programEnvironment } from "./program-environment.ts";

/** The program of a runner's child process. */
export interface ChildProgram extends ProgramWords {
  /** The child's module without its ending: `.js` where it is built, `.ts` among the sources. */
  readonly entry: URL;
  /** Variables of this process that it needs beside the usual ones, by name; see {@link programEnvironment}. */
  readonly passedOn?: readonly string[];
}

/** Run from source (tests) the child needs the loader that the parent has. */
function commandOf({ entry }: ChildProgram): { file: string; execArgv: string[] } {
  const built = `${fileURLToPath(entry)}.js`;
  if (existsSync(built)) return { file: built, execArgv: [] };
  return { file: `${fileURLToPath(entry)}.ts`, execArgv: ["--import", "tsx", "--conditions=source"] };
}

function openFork(program: ChildProgram): ChildLink {
  const { file, execArgv } = commandOf(program);
  const child = fork(file, [], {
    execArgv,
    env: programEnvironment(process.env, program.passedOn),
    serialization: "advanced", // NaN survives
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  return {
    process: child,
    send(message) {
      if (child.connected) child.send(message);
    },
    listen: (onMessage) => child.on("message", onMessage),
    kill: () => child.kill("SIGKILL"),
  };
}

/** {@link converse} with a child process of Node. */
export function askChild(program: ChildProgram, request: ToChild, signal?: AbortSignal): Conversation {
  return converse(program, () => openFork(program), request, signal);
}
