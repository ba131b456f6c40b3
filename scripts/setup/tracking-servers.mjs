import { join } from "node:path";
import { providePackages } from "./python-packages.mjs";
import { SetupError } from "./setup-error.mjs";

/**
 * Makes a Python with MLflow and TensorBoard stand in Thaw's cache, for the tests of what Thaw sends to them;
 * packages/cli/test/tracking-servers.ts reads `<cache>/tracking-servers.json`. Where that fails the tests are skipped.
 * @param {import("./machine.mjs").Machine} machine
 * @returns {Promise<string | import("./steps.mjs").Warning>}
 */
export async function provideTrackingServers(machine) {
  try {
    return await providePackages(machine, {
      name: "tracking-servers",
      title: "MLflow and TensorBoard",
      variable: "THAW_TRACKING_PYTHON",
      pythons: ["3.11", "3.12", "3.13"],
      requirements: join(machine.root, "packages", "cli", "test", "tracking-servers.txt"),
      probe: [
        "from importlib.metadata import version",
        "import mlflow.server, tensorboard",
        "print('thaw: MLflow %s, TensorBoard %s' % (version('mlflow'), version('tensorboard')))",
      ].join("; "),
      env: { MLFLOW_DISABLE_TELEMETRY: "true" },
      missing: "tracking-servers-missing",
    });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return {
      warning: "not installed, so their tests are skipped",
      details: [error.message, ...error.hint.split("\n")],
    };
  }
}
