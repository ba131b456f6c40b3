import type { ProcessInfo } from "@thaw/runner-kit";

/** Where a runner's engine lives, for runners that start a process of Node's. */
export const isChild = ({ command }: ProcessInfo): boolean => /runner\/(src|dist)\/child\.(ts|js)/.test(command);
export const isBrowser = ({ command }: ProcessInfo): boolean => /chrom(e|ium)/.test(command);
export const isPython = ({ command }: ProcessInfo): boolean => command.includes("thaw_keras");

/** What a process of Chromium's is for, undefined for the browser itself. */
export const typeOf = ({ command }: ProcessInfo): string | undefined => / --type=([\w-]+)/.exec(command)?.[1];

/** What a process below a command is, in words. */
export function roleOf(entry: ProcessInfo): string {
  if (isBrowser(entry)) return `Chromium: ${typeOf(entry) ?? "browser"}`;
  if (isPython(entry)) return "Python";
  if (isChild(entry)) return "the child";
  return entry.command.includes("esbuild") ? "esbuild" : "other"; // which loads sources
}
