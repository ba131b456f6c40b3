import { homedir } from "node:os";
import { join } from "node:path";

/** The variables that choose the cache and the libtensorflow; `process.env` outside of tests. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of the native builds: `native` in `$THAW_CACHE`, else `$XDG_CACHE_HOME/thaw`, else `~/.cache/thaw`. */
export function nativeFolder(env: Environment = process.env): string {
  const cache = env.THAW_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "thaw");
  return join(cache, "native");
}
