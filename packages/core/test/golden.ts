import { readFileSync } from "node:fs";

/** Reads a golden file that scripts/make_keras_goldens.py wrote. */
export function readGolden<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8")) as Content;
}
