import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Result, ThawError } from "@thaw/core";
import type { ParityReport } from "@thaw/core/parity";
import { z } from "zod";
import { partSharer } from "../shared-parts.ts";

/** What a report rests on, as far as a file can be told from others by it. */
const resultShape = z.looseObject({
  version: z.literal(1),
  cell: z.string(),
  runner: z.string(),
  finishedAt: z.string(),
  spec: z.looseObject({ name: z.string(), seed: z.number() }),
  data: z.looseObject({ classes: z.array(z.string()), source: z.string() }),
  phases: z.array(z.looseObject({ name: z.string(), layers: z.array(z.looseObject({ name: z.string() })) })).min(1),
  epochs: z.array(z.looseObject({ epoch: z.number() })),
  final: z.looseObject({ train: z.looseObject({ accuracy: z.number() }) }),
  predictions: z.looseObject({ validation: z.array(z.number()), test: z.array(z.number()) }),
  timing: z.looseObject({ totalMs: z.number() }),
  environment: z.looseObject({ engine: z.string(), device: z.looseObject({ name: z.string() }) }),
  warnings: z.array(z.looseObject({ code: z.string() })),
});

const parityShape = z.looseObject({
  version: z.literal(1),
  reference: z.looseObject({ runner: z.string() }),
  runners: z.array(z.looseObject({ name: z.string() })),
  results: z.array(z.looseObject({ rung: z.string() })),
  divergences: z.array(z.looseObject({ sentence: z.string() })),
  equivalence: z.array(z.looseObject({ runner: z.string() })),
  passed: z.boolean(),
});

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
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw new ThawError("result-unreadable", `${file}: ${(cause as Error).message}.`, { cause });
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
    if (resultShape.safeParse(document).success) results.push(share(withoutSteps(document as Result)));
    else others.push(file);
  }
  return { results, others };
}

/**
 * Reads a parity report.
 * @throws ThawError `parity-invalid`, `result-unreadable`
 */
export async function readParityReport(file: string): Promise<ParityReport> {
  const document = await readJson(file);
  const parsed = parityShape.safeParse(document);
  if (parsed.success) return document as ParityReport;
  const [issue] = parsed.error.issues;
  throw new ThawError("parity-invalid", `${file}: no parity report: ${issue?.path.join(".")}: ${issue?.message}.`, {
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
