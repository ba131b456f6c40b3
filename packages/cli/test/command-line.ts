import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
export const ROOT: string = fileURLToPath(new URL("../../..", import.meta.url));

/** What a command gave. */
export interface CommandRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `thaw` from source. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", "--conditions=source", MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Waits for a command to end and collects what it printed. */
export function ending(child: ChildProcess): Promise<CommandRun> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

/** Runs `thaw` from source to its end. */
export function thaw(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandRun> {
  return ending(start(args, env));
}

/** A fresh temporary folder. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "thaw-cli-"));
}

/** Writes a document (or raw text) to a file in a fresh folder. */
export function specFile(document: unknown, folder: string = temporaryFolder()): string {
  const file = join(folder, "spec.json");
  writeFileSync(file, typeof document === "string" ? document : JSON.stringify(document, null, 2));
  return file;
}

/** A spec that trains in seconds without any file: a few embedded images, fresh weights. */
export const SMALL_SPEC = {
  version: 1,
  name: "small",
  model: { alpha: 0.35, imageSize: 32, weights: "random" },
  data: { kind: "builtin", name: "fashion-shoes", limit: 30 },
  split: { validation: 0.2, test: 0.2 },
  freeze: 100,
  optimizer: { name: "adam", learningRate: 1e-3 },
  batchSize: 8,
  epochs: 2,
  record: "steps",
} as const;
