import type { PageAnswer } from "../../src/messages.ts";
import type { SquareRule } from "./pixels.ts";

/** What is known of a photo once it was opened. */
export interface Inspected {
  /** Of the file. */
  readonly sha256: string;
  readonly thumbnail: Blob;
}

/** What the photos' worker does; errors come back as data. */
export interface PhotoApi {
  inspect(file: File): Promise<PageAnswer<Inspected>>;
  /**
   * Decodes photos.
   * @param side pixels
   * @param onProgress is told how many are done
   * @returns uint8 [files, side, side, 3]
   */
  pixels(
    files: readonly File[],
    side: number,
    rule: SquareRule,
    onProgress: (done: number) => void,
  ): Promise<PageAnswer<Uint8Array>>;
}
