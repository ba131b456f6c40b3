import { homedir } from "node:os";
import { join } from "node:path";

/** Thaw's cache as set-up has it: `$THAW_CACHE`, else `$XDG_CACHE_HOME/thaw`, else `~/.cache/thaw`. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  return env.THAW_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "thaw");
}
