import type { Tensor } from "@tensorflow/tfjs-core";
import {
  type BlobRef,
  type CacheBudget,
  type CheckpointRequest,
  type Environment,
  type Host,
  type ProfileRequest,
  ThawError,
} from "@thaw/core";
import { engineHost } from "./engine-host.ts";
import type { PageEngine } from "./page-engine.ts";

/** Bytes that one request asks for: a broken connection costs no more than this. */
const RANGE_BYTES = 16 * 2 ** 20;

/** Fetches one range, once more if the connection breaks. */
async function fetchRange(url: string, from: number, to: number): Promise<Uint8Array> {
  const get = async (): Promise<Uint8Array> => {
    const response = await fetch(url, { headers: { Range: `bytes=${from}-${to - 1}` } });
    if (response.status !== 206) {
      throw new ThawError("blob-missing", `The runner's server answered ${response.status} for ${url}.`, {
        hint: "Delete the cache's blobs that are damaged, and run again.",
      });
    }
    return new Uint8Array(await response.arrayBuffer());
  };
  try {
    return await get();
  } catch (error) {
    if (error instanceof ThawError) throw error;
    return await get();
  }
}

/** Fetches a blob in ranges; whoever reads it checks its hash. */
async function readBlob({ sha256, bytes }: BlobRef): Promise<Uint8Array> {
  const blob = new Uint8Array(bytes);
  for (let from = 0; from < bytes; from += RANGE_BYTES) {
    const to = Math.min(from + RANGE_BYTES, bytes);
    const part = await fetchRange(`blobs/${sha256}`, from, to);
    if (part.byteLength !== to - from) {
      throw new ThawError("blob-corrupt", `Blob ${sha256} gave ${part.byteLength} of ${to - from} bytes.`, {
        hint: "Delete it from the store; it is made again.",
      });
    }
    blob.set(part, from);
  }
  return blob;
}

/** A run as its host needs to know it. */
interface PageRun {
  readonly id: number;
  readonly environment: Environment;
  readonly exportsWeights: boolean;
  readonly traceWeightsAt: readonly number[] | undefined;
  readonly cache: CacheBudget | undefined;
  readonly profile: ProfileRequest | undefined;
  readonly checkpoint: Pick<CheckpointRequest, "everyMs" | "by"> | undefined;
}

/** Fetches what an earlier page left of the run. */
async function readCheckpoint(run: number): Promise<Uint8Array | null> {
  const response = await fetch(`runs/${run}/checkpoint`);
  if (response.status === 404) return null;
  if (!response.ok) throw new ThawError("checkpoint-unreadable", `The runner's server answered ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

/** What a run in this page works with. */
export function pageHost(engine: PageEngine, run: PageRun, signal: AbortSignal, onProgress: () => void): Host<Tensor> {
  /** A Blob: the browser streams it, an array it would copy slowly. */
  const sendBack = async (path: string, bytes: Uint8Array): Promise<string> => {
    const body = new Blob([Uint8Array.from(bytes)]);
    const response = await fetch(`runs/${run.id}/${path}`, { method: "POST", body });
    if (!response.ok) throw new ThawError("write-failed", `The runner's server answered ${response.status}.`);
    return await response.text();
  };
  const { traceWeightsAt: weightsAt, checkpoint } = run;
  return {
    ...engineHost(engine, run.environment), // the runner measures the browser's memory from outside
    onProgress,
    readBlob,
    ...(run.cache === undefined ? {} : { cache: run.cache }),
    ...(run.profile === undefined ? {} : { profile: run.profile }),
    ...(checkpoint === undefined
      ? {}
      : {
          checkpoints: {
            ...checkpoint,
            read: () => readCheckpoint(run.id),
            write: async (bytes: Uint8Array) => void (await sendBack("checkpoint", bytes)),
          },
        }),
    ...(run.exportsWeights ? { writeWeights: (bytes: Uint8Array) => sendBack("weights", bytes) } : {}),
    ...(weightsAt === undefined
      ? {}
      : { trace: { weightsAt, write: (name: string, bytes: Uint8Array) => sendBack(`trace/${name}`, bytes) } }),
    signal,
  };
}
