import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { deserializeError } from "@thaw/core";
import type { Hdf5Answer, Hdf5Reply, Hdf5Request, Hdf5Task } from "./hdf5-task.ts";
import { MAX_HDF5_MS } from "./limits.ts";
import { weightsInvalid } from "./weights-error.ts";

/** Instances of the library that a thread may leave behind before it is replaced: each holds on to some 20 MB. */
const MAX_FAILURES = 8;

/** A thread with the library in it, and the task in hand. */
let worker: Worker | null = null;
let queue: Promise<unknown> = Promise.resolve();

/** Run from source (tests) the thread needs a loader, which a thread's `execArgv` cannot give it. */
function startWorker(): Worker {
  const entry = new URL("./hdf5-worker", import.meta.url).href;
  if (existsSync(fileURLToPath(`${entry}.js`))) return new Worker(new URL(`${entry}.js`), { execArgv: [] });
  const loader = import.meta.resolve("tsx/esm/api");
  const source = `import("${loader}").then(({ register }) => { register(); return import("${entry}.ts"); });`;
  return new Worker(source, { eval: true, execArgv: ["--conditions=source"] });
}

function forget(spent: Worker): void {
  if (worker === spent) worker = null;
  void spent.terminate();
}

/** Hands a request to the thread, which is stopped if it does not come back. */
function ask(request: Hdf5Request, limitMs: number): Promise<Hdf5Reply> {
  worker ??= startWorker();
  const asked = worker;
  asked.ref();
  return new Promise<Hdf5Reply>((resolve, reject) => {
    const timer = setTimeout(() => {
      forget(asked);
      reject(weightsInvalid(request.where, `HDF5 cannot read it (it was not done after ${limitMs / 1000} s)`));
    }, limitMs);
    asked.removeAllListeners();
    asked.once("message", (reply: Hdf5Reply) => {
      if (reply.failures >= MAX_FAILURES) forget(asked);
      resolve(reply);
    });
    asked.once("error", (cause) => {
      forget(asked);
      reject(weightsInvalid(request.where, `HDF5 cannot read it (${cause.message})`, { cause }));
    });
    asked.once("exit", (code) => {
      forget(asked);
      reject(weightsInvalid(request.where, `HDF5 cannot read it (its thread ended with ${code})`));
    });
    asked.once("message", () => clearTimeout(timer));
    asked.once("error", () => clearTimeout(timer));
    asked.once("exit", () => clearTimeout(timer));
    asked.postMessage(request, [request.bytes.buffer as ArrayBuffer]);
  }).finally(() => asked.unref()); // a thread that waits keeps no program from ending
}

/**
 * Reads an HDF5 file held in memory. HDF5's library is C that trusts its files: damaged ones were seen to make it run for
 * ever and write where it must not. So it has a thread of its own, with bounds on time and memory.
 * @param where what error messages call the file
 * @throws ThawError `weights-invalid` for anything that HDF5 cannot read; what the readers of Keras's layouts throw
 */
export function readHdf5<Task extends Hdf5Task>(
  bytes: Uint8Array,
  where: string,
  task: Task,
  limitMs: number = MAX_HDF5_MS,
): Promise<Hdf5Answer<Task>> {
  const answer = queue.then(() => ask({ task, bytes: Uint8Array.from(bytes), where }, limitMs));
  queue = answer.catch(() => undefined);
  return answer.then((reply) => {
    if ("error" in reply) throw deserializeError(reply.error);
    return reply.value as Hdf5Answer<Task>;
  });
}
