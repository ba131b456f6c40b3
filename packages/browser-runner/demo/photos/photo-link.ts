import { proxy, type Remote, wrap } from "comlink";
import { unwrap } from "../../src/page/answer.ts";
import type { Inspected, PhotoApi } from "./photo-api.ts";
import type { SquareRule } from "./pixels.ts";

/** Decodes photos in a worker of its own: a page that decodes hundreds does not answer meanwhile. */
export interface PhotoLink {
  inspect(file: File): Promise<Inspected>;
  pixels(
    files: readonly File[],
    side: number,
    rule: SquareRule,
    onProgress?: (done: number) => void,
  ): Promise<Uint8Array>;
}

/** Starts the worker. */
export function openPhotoLink(): PhotoLink {
  const worker = new Worker(new URL("./photo-worker.ts", import.meta.url), { type: "module" });
  const remote: Remote<PhotoApi> = wrap<PhotoApi>(worker);
  return {
    inspect: async (file) => unwrap(await remote.inspect(file)),
    pixels: async (files, side, rule, onProgress = () => undefined) =>
      unwrap(await remote.pixels(files, side, rule, proxy(onProgress))),
  };
}
