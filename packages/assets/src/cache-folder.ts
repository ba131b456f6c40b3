import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder that downloads and derived files are kept in: `$THAW_CACHE`, else `$XDG_CACHE_HOME/thaw`, else `~/.cache/thaw`.
 * @returns an absolute path; the folder need not exist
 */
export function cacheFolder(env: Environment): string {
  if (env.THAW_CACHE) return resolve(env.THAW_CACHE);
  if (env.XDG_CACHE_HOME) return resolve(env.XDG_CACHE_HOME, "thaw");
  return join(env.HOME || homedir(), ".cache", "thaw");
}
