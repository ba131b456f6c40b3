import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FORMATS, hashOf, parseJson } from "@thaw/core";
import type { RungResult } from "@thaw/core/parity";
import { z } from "zod";
import { rungResultShape } from "./report-shape.ts";

/** Verdicts that are kept, so that a run that was stopped goes on: a file for each, under the hash of all it rests on. */
export interface JudgedFiles {
  /** The verdicts under a key; makes them where they are not there, and keeps them if none of them is an error. */
  judged(key: unknown, judge: () => Promise<readonly RungResult[]>): Promise<readonly RungResult[]>;
}

async function readResults(file: string): Promise<readonly RungResult[] | undefined> {
  try {
    const results = z.array(rungResultShape).safeParse(parseJson(await readFile(file, "utf8")));
    return results.success ? results.data : undefined;
  } catch {
    return undefined; // not there, or damaged: judged again
  }
}

/**
 * @param folder made when first needed
 * @param rerun judges again what is there
 */
export function judgedFiles(folder: string, rerun: boolean): JudgedFiles {
  return {
    async judged(key, judge) {
      const { version } = FORMATS.parityReport;
      const file = join(folder, `${(await hashOf({ version, key })).slice(0, 16)}.json`);
      const earlier = rerun ? undefined : await readResults(file);
      if (earlier !== undefined) return earlier;
      const results = await judge();
      if (results.some(({ status }) => status === "error")) return results;
      const temporary = `${file}.${process.pid}.part`;
      await mkdir(folder, { recursive: true });
      try {
        await writeFile(temporary, JSON.stringify(results), { flush: true });
        await rename(temporary, file);
      } finally {
        await rm(temporary, { force: true });
      }
      return results;
    },
  };
}
