import { appendFile, mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Result, ThawError } from "@thaw/core";
import { type ReportInput, reportPage, resultsMarkdown } from "@thaw/report";
import { readBenchReport } from "../bench/bench-file.ts";
import { benchSpeeds } from "../report/bench-speeds.ts";
import { writePage } from "../report/page-file.ts";
import { reportPhotos } from "../report/report-photos.ts";
import { findParityReport, readParityReport, readResultFolder } from "../report/result-folders.ts";
import { VERSION } from "../version.ts";

/** Options of `thaw report`. */
export interface ReportCommandOptions {
  readonly out: string;
  readonly photos: boolean;
  readonly parity?: string;
  readonly bench?: string;
  readonly markdown?: string;
  readonly title?: string;
}

async function readResults(folders: readonly string[]): Promise<readonly Result[]> {
  const results = new Map<string, Result>();
  for (const folder of folders) {
    const found = await readResultFolder(folder);
    for (const file of found.others) process.stderr.write(`${file} is no result: left out\n`);
    for (const result of found.results) results.set(result.cell, result);
  }
  if (results.size > 0) return [...results.values()];
  throw new ThawError("no-results", `There is no result in ${folders.join(", ")}.`, {
    hint: "Run `thaw run` or `thaw sweep` first, or give the folder of their --out.",
  });
}

async function parityFiles(folders: readonly string[], asked: string | undefined): Promise<readonly string[]> {
  if (asked !== undefined) return [asked];
  const found = await Promise.all(folders.map((folder) => findParityReport(folder)));
  return found.filter((file) => file !== null);
}

/** `thaw report`: results as one HTML page, and in brief as Markdown. */
export async function reportCommand(given: readonly string[], options: ReportCommandOptions): Promise<void> {
  const folders = given.length === 0 ? ["results"] : given;
  const results = await readResults(folders);
  const parity = [];
  for (const file of await parityFiles(folders, options.parity)) parity.push(await readParityReport(file));
  const sweeps = new Set(results.map(({ sweep, spec }) => sweep?.name ?? spec.name));
  const input: ReportInput = {
    title: options.title ?? `Thaw: ${[...sweeps].slice(0, 3).join(", ")}${sweeps.size > 3 ? " and more" : ""}`,
    madeAt: new Date().toISOString(),
    thawVersion: VERSION,
    results,
    parity,
    speed: options.bench === undefined ? null : benchSpeeds(await readBenchReport(options.bench)),
    photos: options.photos
      ? await reportPhotos(
          results,
          folders.map((folder) => resolve(folder)),
        )
      : { kind: "left-out" },
  };
  if (input.photos.kind === "shown") {
    for (const reason of new Set(input.photos.missing.values())) process.stderr.write(`photos: ${reason}\n`);
  }
  await writePage(options.out, await reportPage(input));
  process.stdout.write(`Report: ${options.out}\n`);
  if (options.markdown !== undefined) {
    await mkdir(dirname(resolve(options.markdown)), { recursive: true });
    await appendFile(options.markdown, `${resultsMarkdown(input)}\n`);
    process.stdout.write(`Markdown: ${options.markdown}\n`);
  }
}
