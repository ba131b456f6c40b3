import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {{ status: number | null, signal: string | null, stdout: string, stderr: string }} Finished
 * @typedef {{ cwd?: string, env?: Record<string, string | undefined>, show?: boolean, onChild?: (pid: number) => void }} RunOptions
 *   show: the command writes to this terminal (its output is then not captured); onChild: told the process id
 * @typedef {object} Machine All that set-up touches of the world, handed in so that a test can hand in another one.
 * @property {string} root the checkout
 * @property {string} cacheFolder Thaw's cache
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.Platform} platform
 * @property {string} arch
 * @property {string} nodeVersion such as "20.19.0"
 * @property {boolean} isRoot whether system packages can be installed
 * @property {string} nvidiaDriverFile where NVIDIA's kernel driver shows
 * @property {boolean} terminal whether a person watches, so that progress bars are of use
 * @property {() => string | undefined} glibcVersion undefined where the C library is another
 * @property {(line: string) => void} say
 * @property {(command: string, args: readonly string[], options?: RunOptions) => Promise<Finished>} run
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} `$THAW_CACHE`, else `$XDG_CACHE_HOME/thaw`, else `~/.cache/thaw`
 */
function cacheFolderOf(env) {
  if (env.THAW_CACHE) return env.THAW_CACHE;
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "thaw");
}

/**
 * @param {string} name a command without a path
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} the first executable of that name on PATH
 */
export function findOnPath(name, env) {
  for (const folder of (env.PATH ?? "").split(delimiter)) {
    if (folder === "") continue;
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/**
 * @param {Partial<Machine>} [overrides]
 * @returns {Machine} this machine
 */
export function thisMachine(overrides = {}) {
  const env = overrides.env ?? process.env;
  /** @type {Machine} */
  const machine = {
    root: join(dirname(fileURLToPath(import.meta.url)), "..", ".."),
    cacheFolder: cacheFolderOf(env),
    env,
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.versions.node,
    isRoot: process.getuid?.() === 0,
    nvidiaDriverFile: "/proc/driver/nvidia/version",
    terminal: process.stdout.isTTY === true,
    glibcVersion,
    say: (line) => console.log(line),
    run: (command, args, options) => runCommand(machine, command, args, options),
    ...overrides,
  };
  return machine;
}

/**
 * Runs a command to its end; a command that cannot be started ends with status null and the reason in stderr.
 * @param {Machine} machine
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Finished>}
 */
function runCommand(machine, command, args, { cwd, env, show = false, onChild } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: cwd ?? machine.root,
      env: { ...machine.env, ...env },
      stdio: show ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    });
    if (child.pid !== undefined) onChild?.(child.pid);
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    child.on("error", (error) => resolve({ status: null, signal: null, stdout, stderr: `${stderr}${error.message}` }));
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

/** @returns {string | undefined} */
function glibcVersion() {
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } } | undefined} */ (process.report?.getReport());
  return report?.header?.glibcVersionRuntime;
}
