import { sha256, ThawError } from "@thaw/core";
import { expose } from "comlink";
import { answer } from "../../src/page/answer.ts";
import { squarePixels, thumbnailOf } from "./decoder.ts";
import type { PhotoApi } from "./photo-api.ts";

/** Side of a thumbnail, pixels: twice what is shown, for dense screens. */
const THUMBNAIL_SIDE = 128;

function undecodable(name: string): ThawError {
  return new ThawError("photo-unreadable", `The browser cannot open ${name} as a picture.`, {
    hint: "Use JPEG, PNG or WebP.",
  });
}

const api: PhotoApi = {
  inspect: (file) =>
    answer(async () => {
      const thumbnail = await thumbnailOf(file, THUMBNAIL_SIDE).catch(() => {
        throw undecodable(file.name);
      });
      return { sha256: await sha256(new Uint8Array(await file.arrayBuffer())), thumbnail };
    }),

  pixels: (files, side, rule, onProgress) =>
    answer(async () => {
      const imageBytes = side * side * 3;
      const pixels = new Uint8Array(files.length * imageBytes);
      for (const [index, file] of files.entries()) {
        const decoded = await squarePixels(file, side, rule).catch(() => {
          throw undecodable(file.name);
        });
        pixels.set(decoded, index * imageBytes);
        onProgress(index + 1);
      }
      return pixels;
    }),
};

expose(api);
