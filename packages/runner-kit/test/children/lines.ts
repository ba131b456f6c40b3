import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { toyEnvironment } from "../toy-environment.ts";

// A program that speaks JSON lines, and does what its first argument says with a run.
const say = (message: unknown): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);

const BEHAVIOURS: Readonly<Record<string, () => void>> = {
  echo: () => undefined,
  crash: () => process.stderr.write("native: assertion failed\n", () => process.kill(process.pid, "SIGABRT")),
  garbage: () => process.stdout.write("Epoch 1/5 - loss: 0.69\n"),
  /** Says all that it can see of its environment, as a program would that wants to know. */
  environment: () => {
    const message = JSON.stringify(process.env);
    say({ type: "event", event: { type: "warning", code: "environment", message } });
    say({ type: "done" });
  },
  "unknown message": () => say({ type: "progress", epoch: 1 }),
  "an event of nothing": () => say({ type: "event" }),
  "half an event": () => say({ type: "event", event: { type: "step", epoch: 1, step: 1, loss: "low" } }),
  "an error of nothing": () => say({ type: "error", error: null }),
  "a prototype": () => process.stdout.write('{"type":"alive","__proto__":{"isAdmin":true}}\n'),
  "a deep line": () => process.stdout.write(`{"type":"alive","x":${"[".repeat(9999)}${"]".repeat(9999)}}\n`),
  "no end of a line": () => {
    const part = "x".repeat(1 << 20);
    const write = (): void => void process.stdout.write(part, () => setImmediate(write));
    write();
  },
  hang: () => undefined,
  "half a line": () => process.stdout.write('{"type":"ev', () => process.exit(3)),
  /** Leaves a process behind that would live for minutes and holds the pipes open. */
  "a child": () => {
    spawn(process.execPath, ["-e", "setTimeout(() => {}, 300_000)"], { stdio: "inherit" });
    setTimeout(() => process.exit(0), 300);
  },
};

const [behaviour = "echo"] = process.argv.slice(2);

function handle(request: { readonly type: string; readonly settings?: unknown; readonly options?: unknown }): void {
  if (request.type === "cancel") {
    if (behaviour === "hang") return;
    say({ type: "error", error: { code: "cancelled", message: "It was told to stop." } });
    process.exit();
  }
  if (request.type === "probe") {
    say({ type: "available", availability: { ok: true, environment: toyEnvironment() } });
    say({ type: "done" });
    return;
  }
  say({ type: "event", event: { type: "warning", code: "got", message: JSON.stringify(request.options) } });
  BEHAVIOURS[behaviour]?.();
}

createInterface({ input: process.stdin })
  .on("line", (line) => handle(JSON.parse(line)))
  .on("close", () => process.exit(1));
