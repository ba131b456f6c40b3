import { descendantsOf } from "@thaw/runner-kit";

/** Resident bytes of this process's browsers, or null where they cannot be seen. */
export function browserRssBytes(executable: string): number | null {
  const name = executable.slice(executable.lastIndexOf("/") + 1);
  const browsers = descendantsOf(process.pid).filter(({ command }) => command.includes(name));
  return browsers.length === 0 ? null : browsers.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
}
