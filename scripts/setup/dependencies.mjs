import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hashOfFiles, readJson, writeAtomically } from "./content-hash.mjs";
import { SetupError } from "./setup-error.mjs";
import { packageManagerOf, workspacePackages } from "./workspace.mjs";

/**
 * Installs the JavaScript dependencies from the lockfile, unless that was done for this very lockfile, these
 * package.json files and this Node.
 * @param {import("./machine.mjs").Machine} machine
 * @returns {Promise<string>} the outcome in a few words
 */
export async function installDependencies(machine) {
  const { root } = machine;
  const packages = workspacePackages(root);
  const manifests = packages.map(({ folder }) => join(folder, "package.json"));
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", "package.json"].map((name) => join(root, name));
  const hash = hashOfFiles(root, [...files, ...manifests], [`node ${machine.nodeVersion.split(".")[0]}`]);
  const stamp = join(root, "node_modules", ".thaw", "dependencies.json");
  const linked = packages.every(
    ({ folder, manifest }) =>
      !(manifest.dependencies || manifest.devDependencies) || existsSync(join(folder, "node_modules")),
  );
  if (linked && readJson(stamp)?.hash === hash) return "unchanged";
  rmSync(stamp, { force: true });
  const manager = packageManagerOf(root);
  machine.say(`        installing with ${manager}`);
  // Without a terminal pnpm would ask before it replaces a node_modules that another version made, and fail.
  const args = ["-y", manager, "install", "--frozen-lockfile", "--config.confirmModulesPurge=false"];
  const finished = await machine.run("npx", args, { show: machine.terminal });
  if (finished.status !== 0) {
    const output = `${finished.stdout}\n${finished.stderr}`.split("\n").filter((line) => line.trim() !== "");
    const outdated = output.some((line) => line.includes("ERR_PNPM_OUTDATED_LOCKFILE"));
    throw new SetupError(
      "dependencies-failed",
      `${manager} could not install the JavaScript dependencies.`,
      `${output.slice(-8).join("\n")}\n${
        outdated
          ? `A package.json was changed without its lockfile. Run: npx -y ${manager} install`
          : "Check the network and npm's registry (npm config get registry), then start again."
      }`,
    );
  }
  writeAtomically(stamp, `${JSON.stringify({ hash })}\n`);
  return `${packages.length} packages of the workspace`;
}
