import { join } from "node:path";
import { providePackages } from "./python-packages.mjs";

/** @typedef {import("./machine.mjs").Machine} Machine */

/**
 * Makes a Python stand in the cache that reads exported models, for the tests of the exporters: benchmarks looks for it
 * in `<cache>/model-readers.json`.
 * @param {Machine} machine
 * @returns {Promise<string>} the outcome in a few words
 * @throws {import("./setup-error.mjs").SetupError} `python-missing`, `pip-missing`, `download-failed`, `readers-missing`
 */
export function provideModelReaders(machine) {
  return providePackages(machine, {
    name: "model-readers",
    title: "ONNX Runtime and safetensors",
    variable: "THAW_READERS_PYTHON",
    pythons: ["3.11", "3.12", "3.13", "3.10"],
    requirements: join(machine.root, "benchmarks", "python", "thaw_readers", "requirements.txt"),
    probe: [
      "import onnx, onnxruntime, safetensors",
      "print('thaw: ONNX Runtime %s, onnx %s, safetensors %s' % (onnxruntime.__version__, onnx.__version__, safetensors.__version__))",
    ].join("; "),
    env: {},
    missing: "readers-missing",
  });
}
