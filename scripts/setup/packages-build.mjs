import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, hashOfFiles, readJson, writeAtomically } from "./content-hash.mjs";
import { SetupError } from "./setup-error.mjs";
import { packageManagerOf, workspacePackages } from "./workspace.mjs";

/**
 * @param {import("./machine.mjs").Machine} machine
 * @param {readonly string[]} args such as ["run", "build"]
 * @param {{ show?: boolean, env?: Record<string, string> }} [options]
 */
export function turbo(machine, args, { show = machine.terminal, env = {} } = {}) {
  // Through npx: turbo starts each task with pnpm, which a fresh machine has not on its PATH.
  const command = ["-y", packageManagerOf(machine.root), "exec", "turbo", ...args];
  return machine.run("npx", command, { show, env: { TURBO_TELEMETRY_DISABLED: "1", ...env } });
}

/**
 * Builds the packages, unless their sources, settings and dependencies are those of the last build.
 * @param {import("./machine.mjs").Machine} machine
 * @returns {Promise<string>} the outcome in a few words
 */
export async function buildPackages(machine) {
  const { root } = machine;
  const built = workspacePackages(root).filter(({ manifest }) => manifest.scripts?.build !== undefined);
  const shared = readdirSync(root)
    .filter((name) => /^tsconfig.*\.json$/.test(name) || name === "turbo.json" || name === "pnpm-lock.yaml")
    .sort();
  const files = [
    ...shared.map((name) => join(root, name)),
    ...built.flatMap(({ folder }) => [
      ...readdirSync(folder)
        .filter((name) => name === "package.json" || /^tsconfig.*\.json$/.test(name))
        .sort()
        .map((name) => join(folder, name)),
      ...filesBelow(join(folder, "src")),
    ]),
  ];
  const hash = hashOfFiles(root, files);
  const stamp = join(root, "node_modules", ".thaw", "build.json");
  const there = built.every(({ folder }) => existsSync(join(folder, "dist")));
  if (there && readJson(stamp)?.hash === hash) return "unchanged";
  const finished = await turbo(machine, ["run", "build", "--output-logs=errors-only"]);
  if (finished.status !== 0) {
    const output = `${finished.stdout}\n${finished.stderr}`.split("\n").filter((line) => line.trim() !== "");
    throw new SetupError(
      "build-failed",
      "The packages could not be built.",
      output.length > 0 ? output.slice(-25).join("\n") : "The compiler's errors are above.",
    );
  }
  writeAtomically(stamp, `${JSON.stringify({ hash })}\n`);
  return `${built.length} packages`;
}
