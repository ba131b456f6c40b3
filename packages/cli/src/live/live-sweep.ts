import { resolve } from "node:path";
import type { Result } from "@thaw/core";
import { htmlText, reportBody } from "@thaw/report";
import { reportPhotos } from "../report/report-photos.ts";
import { VERSION } from "../version.ts";
import { type LiveBoard, liveBoard } from "./live-board.ts";
import { startLiveServer } from "./live-server.ts";

/** A sweep that can be watched. */
export interface LiveSweep {
  readonly board: LiveBoard;
  readonly url: string;
  /** Puts the report in the page's place, with a note, and closes the server. */
  end(results: readonly Result[], outDir: string, note: string): Promise<void>;
}

/** Starts the page of a sweep. @throws ThawError `server-failed` */
export async function liveSweep(name: string): Promise<LiveSweep> {
  const title = `Thaw: ${name}`;
  const board = liveBoard();
  const server = await startLiveServer(board, title);
  return {
    board,
    url: server.url,
    async end(results, outDir, note) {
      try {
        await board.flush();
        const photos = results.length === 0 ? null : await reportPhotos(results, [resolve(outDir)]);
        const input = {
          title,
          madeAt: new Date().toISOString(),
          thawVersion: VERSION,
          results,
          parity: [],
          speed: null,
        };
        const body = photos === null ? null : await reportBody({ ...input, photos });
        const report = body === null ? {} : { header: htmlText(body.header), main: htmlText(body.main) };
        const closing = `${note} Its process has ended; this page stays as it is until you close it.`;
        board.say({ name: "over", data: { note: closing, ...report } });
      } finally {
        await server.close();
      }
    },
  };
}
