import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ThawError } from "@thaw/core";
import { cacheFolder } from "@thaw/runner-kit";
import { chromium } from "playwright-core";
import places from "../data/browser-places.json" with { type: "json" };

/** A browser's program file and how it was found. */
export interface FoundChromium {
  readonly path: string;
  readonly source: "THAW_CHROMIUM" | "set-up" | "system" | "playwright";
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What set-up chose, if it is still there. */
function chosenBySetUp(env: NodeJS.ProcessEnv): string | undefined {
  try {
    const { path } = JSON.parse(readFileSync(join(cacheFolder(env), "browser.json"), "utf8")) as { path?: unknown };
    return typeof path === "string" && isProgram(path) ? path : undefined;
  } catch {
    return undefined; // set-up has not run, or found none
  }
}

function inSystem(env: NodeJS.ProcessEnv): string | undefined {
  const { names = [], files = [] } =
    (places as Readonly<Record<string, { readonly names?: string[]; readonly files?: string[] }>>)[process.platform] ??
    {};
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...names.flatMap((name) => folders.map((folder) => join(folder, name))), ...files].find(isProgram);
}

/**
 * Finds a Chromium: the one that `THAW_CHROMIUM` names, the one that set-up chose, the system's, Playwright's own.
 * @throws ThawError `browser-missing`
 */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<FoundChromium> {
  if (env.THAW_CHROMIUM) {
    if (isProgram(env.THAW_CHROMIUM)) return { path: env.THAW_CHROMIUM, source: "THAW_CHROMIUM" };
    throw new ThawError("browser-missing", `THAW_CHROMIUM is ${env.THAW_CHROMIUM}, which is no program.`, {
      hint: "Give the path of a Chrome or Chromium program, or unset it.",
    });
  }
  const chosen = chosenBySetUp(env);
  if (chosen !== undefined) return { path: chosen, source: "set-up" };
  const system = inSystem(env);
  if (system !== undefined) return { path: system, source: "system" };
  const own = chromium.executablePath();
  if (isProgram(own)) return { path: own, source: "playwright" };
  throw new ThawError("browser-missing", "There is no Chrome or Chromium on this machine.", {
    hint: "Run `npm run setup`, which installs one where it can, or set THAW_CHROMIUM to its path.",
  });
}
