import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { FORMATS, parseJson, parseResult, type Result, shapeProblem, ThawError, upgraded } from "@thaw/core";
import type { ParityReport } from "@thaw/core/parity";
import { parityReportShape } from "../parity/report-shape.ts";
import { partSharer } from "../shared-parts.ts";

/** Results of one folder, and its files that are none. */
export interface ResultFolder {
  readonly results: readonly Result[];
  readonly others: readonly string[];
}

/** No page shows single steps, and they are most of a result. */
function withoutSteps({ steps: _steps, timing, ...result }: Result): Result {
  return { ...result, timing: { ...timing, stepMs: [] } };
}

async function readJson(file: string): Promise<unknown> {
  try {
    return parseJson(await readFile(file, "utf8"));
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw new ThawError("result-unreadable", `${file}: ${(cause as Error).message}.`, { cause });
  }
}

/** The result that a document is; null for another kind of file, and for a damaged one. @throws ThawError `version-newer` */
function resultOf(document: unknown, file: string): Result | null {
  try {
    return parseResult(document, file);
  } catch (error) {
    if (error instanceof ThawError && error.code !== "version-newer") return null;
    throw error;
  }
}

/**
 * Reads every result of a folder, without its single steps.
 * @throws ThawError `result-unreadable` where there is no such folder
 */
export async function readResultFolder(folder: string): Promise<ResultFolder> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new ThawError("result-unreadable", `${folder}: ${(cause as Error).message}.`, {
      hint: "Give the folder that `thaw run` or `thaw sweep` wrote to with --out.",
      cause,
    });
  });
  const share = partSharer();
  const results: Result[] = [];
  const others: string[] = [];
  for (const name of names.filter((entry) => entry.endsWith(".json")).sort()) {
    const file = join(folder, name);
    const document = await readJson(file);
    const result = resultOf(document, file);
    if (result === null) others.push(file);
    else results.push(share(withoutSteps(result)));
  }
  return { results, others };
}

/**
 * Reads a parity report.
 * @throws ThawError `parity-invalid`, `result-unreadable`, `version-newer`
 */
export async function readParityReport(file: string): Promise<ParityReport> {
  const document = upgraded(FORMATS.parityReport, await readJson(file), file);
  const parsed = parityReportShape.safeParse(document);
  if (parsed.success) return parsed.data;
  throw new ThawError("parity-invalid", `${file}: no parity report: ${shapeProblem(parsed.error)}.`, {
    hint: "Give a parity.json that `thaw parity` has written.",
  });
}

/** The latest report that `thaw parity` left below a folder of results, if any. */
export async function findParityReport(folder: string): Promise<string | null> {
  const names = await readdir(join(folder, "parity")).catch(() => []);
  const numbers = names.flatMap((name) => {
    const found = /^parity(?:\.(\d+))?\.json$/.exec(name);
    return found === null ? [] : [{ name, number: Number(found[1] ?? 1) }];
  });
  const latest = numbers.sort((a, b) => b.number - a.number)[0];
  return latest === undefined ? null : join(folder, "parity", latest.name);
}
