import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { ThawError } from "@thaw/core";
import { writeWholeFile } from "../whole-file.ts";

/** The files that `thaw init` writes. */
export interface InitPaths {
  readonly spec: string;
  /** Undefined where no sweep is wanted. */
  readonly sweep?: string;
  /** What the spec says, and why. */
  readonly explanation: string;
}

const TAKEN = {
  earlier: "refuse",
  refusal: "what is there is never overwritten",
  takenHint: "Choose another name with --name or --out, or remove it.",
  hint: "Check the folder's rights and the free space, or choose another place with --out.",
} as const;
/** Names of a sweep's cells begin with the sweep's and have 80 characters at most. */
const MAX_NAME = 40;

/**
 * A name for specs and results.
 * @param given from --name; without it, that of the folder with what a name may not have replaced
 * @throws ThawError `option-invalid`
 */
export function experimentName(given: string | undefined, folder: string): string {
  if (given !== undefined) {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(given) && given.length <= MAX_NAME) return given;
    throw new ThawError("option-invalid", `--name: "${given}" is no name.`, {
      hint: `Use letters, digits, ".", "_" and "-", beginning with a letter or digit, at most ${MAX_NAME} of them.`,
    });
  }
  const name = basename(resolve(folder))
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  return name.slice(0, MAX_NAME) || "photos";
}

/**
 * Names the files beside each other, and looks before anything is read whether one is in the way.
 * @param out the spec's file; without it NAME.json in the working folder
 * @throws ThawError `option-invalid`, `result-exists`
 */
export function initPaths(out: string | undefined, name: string, withSweep: boolean): InitPaths {
  const spec = out ?? `${name}.json`;
  if (extname(spec) !== ".json") {
    throw new ThawError("option-invalid", `--out: "${spec}" does not end in .json.`, {
      hint: "Name the spec's file, such as --out specs/shoes.json; the others are written beside it.",
    });
  }
  const stem = join(dirname(spec), basename(spec, ".json"));
  const paths = { spec, ...(withSweep ? { sweep: `${stem}-sweep.json` } : {}), explanation: `${stem}.md` };
  for (const path of Object.values(paths)) {
    if (!existsSync(path)) continue;
    throw new ThawError("result-exists", `${path} exists; ${TAKEN.refusal}.`, { hint: TAKEN.takenHint });
  }
  return paths;
}

/** A path as a spec in `specFile` names it: relative to the spec's folder, with `/`. */
export function seenFromSpec(path: string, specFile: string): string {
  const seen = relative(dirname(resolve(specFile)), resolve(path))
    .split(sep)
    .join("/");
  return seen === "" ? "." : seen;
}

/**
 * Writes every file whole and never over another; if one cannot be written, those before it are taken away again.
 * @param texts content by path
 * @throws ThawError `result-exists`, `result-unwritable`
 */
export async function writeInitFiles(texts: ReadonlyMap<string, string>): Promise<void> {
  const written: string[] = [];
  try {
    for (const [path, text] of texts) {
      await writeWholeFile(path, text, TAKEN);
      written.push(path);
    }
  } catch (error) {
    for (const path of written) await rm(path, { force: true });
    throw error;
  }
}
