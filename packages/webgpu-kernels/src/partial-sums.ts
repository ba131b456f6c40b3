import type { Tensor } from "@tensorflow/tfjs-core";
import type { CommandStream } from "./command-stream.ts";
import { reads, type Shader, writes } from "./shader.ts";

/** Adds up partial results: thread i owns the i-th four of the result. */
const SUM_PARTS: Shader = {
  key: "sum-parts",
  bindings: [reads("parts"), writes("sums")],
  params: [
    ["size4", "u32"],
    ["parts", "u32"],
  ],
  workgroupSize: 64,
  body: `
  if (id >= p.size4) { return; }
  var sum = parts[id];
  for (var part = 1u; part < p.parts; part++) { sum += parts[part * p.size4 + id]; }
  sums[id] = sum;`,
};

/**
 * Sums over the first axis.
 * @param parts `[count, size]`, size a multiple of 4; disposed of
 * @param shape of the result, size elements
 */
export function sumParts(stream: CommandStream, parts: Tensor, shape: readonly number[]): Tensor {
  const [count = 1, size = 0] = parts.shape;
  if (count === 1) return stream.reshaped(parts, shape);
  const sums = stream.output(shape);
  stream.run(SUM_PARTS, { tensors: [parts, sums], params: [size / 4, count], threads: size / 4 });
  parts.dispose();
  return sums;
}

/** How many parts to split a reduction into. */
export interface Split {
  /** Rows of each part, the last may have fewer. */
  readonly rows: number;
  readonly count: number;
}

/** Threads that keep a GPU busy; a CPU that emulates one is content with fewer. */
const ENOUGH_THREADS = 8192;

/**
 * Splits a reduction over rows so that enough threads work on it, each on a fair number of rows.
 * @param threads a part has
 * @param least rows that a part should have
 */
export function splitRows(rows: number, threads: number, least: number): Split {
  const wanted = Math.ceil(ENOUGH_THREADS / Math.max(threads, 1));
  const most = Math.max(1, Math.floor(rows / least));
  const each = Math.ceil(rows / Math.min(wanted, most));
  return { rows: each, count: Math.ceil(rows / each) };
}
