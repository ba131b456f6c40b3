import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ThawError } from "@thaw/core";
import { cacheFolder } from "./cache-folder.ts";

/** A Python that has certain packages. */
export interface InstalledPython {
  readonly file: string;
  /** Folder with packages beside the interpreter's own, where set-up had to put them there. */
  readonly packages?: string;
}

/** Which Python is looked for. */
export interface PythonWanted {
  /** Name of the file in the cache that set-up writes, without `.json`. */
  readonly name: string;
  /** Environment variable that names another. */
  readonly variable: string;
  /** What a person calls its packages. */
  readonly words: string;
  /** Code of the error where there is none. */
  readonly code: string;
  readonly hint: string;
}

/**
 * The Python that the variable names, else the one that set-up has written down.
 * @throws ThawError with the code that is wanted
 */
export function installedPython(
  env: Readonly<Record<string, string | undefined>>,
  { name, variable, words, code, hint }: PythonWanted,
): InstalledPython {
  const named = env[variable];
  if (named) return { file: named };
  const record = join(cacheFolder(env), `${name}.json`);
  if (!existsSync(record)) throw new ThawError(code, `${words} is not installed.`, { hint });
  const { python, packages } = JSON.parse(readFileSync(record, "utf8")) as { python: string; packages: string | null };
  if (!existsSync(python)) throw new ThawError(code, `${words} was installed for ${python}, which is gone.`, { hint });
  return packages === null ? { file: python } : { file: python, packages };
}
