import { join } from "node:path";
import { cacheFolder } from "@thaw/runner-kit";

/** The variables that choose the cache and the libtensorflow; `process.env` outside of tests. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of the native builds: `native` in Thaw's cache. */
export function nativeFolder(env: Environment = process.env): string {
  return join(cacheFolder(env), "native");
}
