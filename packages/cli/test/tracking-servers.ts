import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { ThawError } from "@thaw/core";
import { installedPython } from "@thaw/runner-kit";

interface TrackingPython {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}

function findPython(): TrackingPython | undefined {
  const env = { ...process.env, MLFLOW_DISABLE_TELEMETRY: "true", MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false" };
  try {
    const { file, packages } = installedPython(process.env, {
      name: "tracking-servers",
      variable: "THAW_TRACKING_PYTHON",
      words: "MLflow with TensorBoard",
      code: "tracking-servers-missing",
      hint: "npm run setup -- --trackers",
    });
    return { file, env: packages === undefined ? env : { ...env, PYTHONPATH: packages } };
  } catch (error) {
    if (error instanceof ThawError) return undefined; // its tests are skipped by name
    throw error;
  }
}

/** A Python with MLflow and TensorBoard, which `npm test` installs; undefined where it could not. */
export const TRACKING_PYTHON: TrackingPython | undefined = findPython();

/** Runs a Python program and returns what it prints. */
export function python(program: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(TRACKING_PYTHON?.file ?? "", [program, ...args], {
    env: TRACKING_PYTHON?.env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A server of somebody else's on loopback. */
export interface RunningServer {
  readonly url: string;
  /** Ends it with all its processes. */
  stop(): Promise<void>;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once("close", resolve));
  process.kill(-child.pid, "SIGKILL");
  await gone;
}

/**
 * Starts a Python module as a server and waits until it answers; seconds, and half a minute on a busy machine.
 * @param ready path that answers 200 once it is up
 */
export async function startServer(args: readonly string[], cwd: string, ready: string): Promise<RunningServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(TRACKING_PYTHON?.file ?? "", ["-m", ...args, "--host", "127.0.0.1", "--port", String(port)], {
    cwd,
    env: TRACKING_PYTHON?.env,
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2000);
  });
  while (child.exitCode === null) {
    const answer = await fetch(`${url}${ready}`).catch(() => undefined);
    if (answer?.ok) return { url, stop: () => stop(child) };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${args[0]} ended: ${stderr}`);
}
