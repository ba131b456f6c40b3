import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { blobPath, type CheckpointRequest, type Plan } from "@thaw/core";
import {
  checkpointFile,
  PRIVATE_HEADERS,
  refuse as refuseWith,
  startLoopbackServer,
  writeAtomically,
} from "@thaw/runner-kit";
import type { PageFiles } from "./page-files.ts";

/** A run whose data the page may read. */
export interface ServedRun {
  readonly id: number;
  readonly plan: Plan;
  readonly storeDir: string;
  /** Where the page's final weights go; absent where nobody asked for them. */
  readonly exportWeights?: string;
  /** What the page may read and write to go on with a run that was killed; absent where nobody asked for it. */
  readonly checkpoint?: CheckpointRequest;
  /** Folder for the files of a traced run. */
  readonly traceFolder?: string;
}

/** A server for one page: its own files, and the data of the run in progress. */
export interface AssetServer {
  /** The page's address, with the token that every path starts with. */
  readonly url: string;
  /** Lets the page read the data of a run until the returned function is called. */
  serve(run: ServedRun): () => void;
  close(): Promise<void>;
}

/**
 * Isolation gives the page shared memory (wasm threads); the policy lets it load and reach nothing but this server.
 * `wasm-unsafe-eval` compiles tfjs's WebAssembly, and nothing else; `blob:` is where its threads' workers come from.
 */
const HEADERS = {
  ...PRIVATE_HEADERS,
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const;

/** Weights and trace of the largest network that is known are far smaller; a page gone mad must not fill the disk. */
const MOST_UPLOAD_BYTES = 2 ** 30;

function refuse(response: ServerResponse, status: number): void {
  refuseWith(response, status, HEADERS);
}

/** First and last byte of a `Range: bytes=a-b`, or undefined where it makes no sense. */
function parseRange(header: string, size: number): readonly [number, number] | undefined {
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  return first <= last ? [first, last] : undefined;
}

async function sendBlob(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
  sha256: string,
): Promise<void> {
  const found = await lstat(file).catch(() => undefined);
  if (!found?.isFile()) return refuse(response, 404); // a link may lead out of the store
  const headers = {
    ...HEADERS,
    "Content-Type": "application/octet-stream",
    "Accept-Ranges": "bytes",
    ETag: `"${sha256}"`,
  };
  const range = request.headers.range;
  const part = range === undefined ? ([0, found.size - 1] as const) : parseRange(range, found.size);
  if (part === undefined) {
    response.writeHead(416, { ...HEADERS, "Content-Range": `bytes */${found.size}` }).end();
    return;
  }
  const [first, last] = part;
  const length = { "Content-Length": last - first + 1 };
  if (range === undefined) response.writeHead(200, { ...headers, ...length });
  else response.writeHead(206, { ...headers, ...length, "Content-Range": `bytes ${first}-${last}/${found.size}` });
  createReadStream(file, { start: first, end: last })
    .on("error", () => response.destroy())
    .pipe(response);
}

/** A file that a page may send back, and what writes it. */
interface Upload {
  readonly file: string;
  write(bytes: Uint8Array): Promise<unknown>;
}

async function receiveFile(request: IncomingMessage, response: ServerResponse, { file, write }: Upload): Promise<void> {
  if (Number(request.headers["content-length"] ?? 0) > MOST_UPLOAD_BYTES) return refuse(response, 413);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).byteLength;
    if (bytes > MOST_UPLOAD_BYTES) return refuse(response, 413);
    chunks.push(chunk as Buffer);
  }
  await write(Buffer.concat(chunks));
  response.writeHead(200, { ...HEADERS, "Content-Type": "text/plain; charset=utf-8" }).end(file);
}

/** Hashes that a run's page may ask for. */
function blobsOf({ plan }: ServedRun): ReadonlySet<string> {
  const refs = [plan.weights.blob, plan.headWeights?.blob ?? null, ...plan.dataset.shards];
  return new Set(refs.flatMap((ref) => (ref === null ? [] : [ref.sha256])));
}

const CHECKPOINT = /^runs\/(\d+)\/checkpoint$/;

function atomicUpload(file: string | undefined): Upload | undefined {
  return file === undefined ? undefined : { file, write: (bytes) => writeAtomically(file, bytes) };
}

/** The file that a page may send back, if its run was asked for it. */
function uploadTarget(path: string, runs: ReadonlyMap<number, ServedRun>): Upload | undefined {
  const weights = /^runs\/(\d+)\/weights$/.exec(path);
  if (weights !== null) return atomicUpload(runs.get(Number(weights[1]))?.exportWeights);
  const checkpoint = runs.get(Number(CHECKPOINT.exec(path)?.[1]))?.checkpoint;
  if (checkpoint !== undefined) return { file: checkpoint.file, write: checkpointFile(checkpoint).write };
  const trace = /^runs\/(\d+)\/trace\/((?:step|weights)-\d{1,9}\.safetensors)$/.exec(path);
  const folder = runs.get(Number(trace?.[1]))?.traceFolder;
  return atomicUpload(folder === undefined ? undefined : join(folder, trace?.[2] ?? ""));
}

/** Answers one request, or refuses it: only paths that are listed exist. */
async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  rest: string,
  files: PageFiles,
  runs: ReadonlyMap<number, ServedRun>,
): Promise<void> {
  const upload = request.method === "POST" ? uploadTarget(rest, runs) : undefined;
  if (upload !== undefined) return await receiveFile(request, response, upload);
  if (request.method !== "GET") return refuse(response, 405);
  const file = files.get(rest === "" ? "index.html" : rest);
  if (file !== undefined) {
    response.writeHead(200, { ...HEADERS, "Content-Type": file.type }).end(file.bytes);
    return;
  }
  const plan = /^runs\/(\d+)\/plan\.json$/.exec(rest);
  const run = plan === null ? undefined : runs.get(Number(plan[1]));
  if (run !== undefined) {
    response.writeHead(200, { ...HEADERS, "Content-Type": "application/json" }).end(JSON.stringify(run.plan));
    return;
  }
  const checkpoint = runs.get(Number(CHECKPOINT.exec(rest)?.[1]))?.checkpoint;
  if (checkpoint !== undefined) {
    const content = await checkpointFile(checkpoint).read();
    if (content === null) return refuse(response, 404);
    response.writeHead(200, { ...HEADERS, "Content-Type": "application/octet-stream" }).end(content);
    return;
  }
  const sha256 = /^blobs\/([0-9a-f]{64})$/.exec(rest)?.[1];
  const owner =
    sha256 === undefined ? undefined : [...runs.values()].find((candidate) => blobsOf(candidate).has(sha256));
  if (sha256 === undefined || owner === undefined) return refuse(response, 404);
  await sendBlob(request, response, join(owner.storeDir, blobPath(sha256)), sha256);
}

/**
 * Starts the server on the loopback interface.
 * @param port 0 for any that is free
 * @throws ThawError `port-taken`, `server-failed`
 */
export async function startServer(files: PageFiles, port: number): Promise<AssetServer> {
  const runs = new Map<number, ServedRun>();
  const server = await startLoopbackServer(
    (request, response, rest) => handle(request, response, rest, files, runs),
    HEADERS,
    port,
  );
  return {
    ...server,
    serve(run) {
      runs.set(run.id, run);
      return () => runs.delete(run.id);
    },
  };
}
