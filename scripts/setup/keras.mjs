import { join } from "node:path";
import { providePackages } from "./python-packages.mjs";

/**
 * Makes a Python with Keras stand in Thaw's cache; packages/keras-runner reads `<cache>/keras.json`.
 * @param {import("./machine.mjs").Machine} machine
 * @param {string} [requirements] file with the pins, if not the runner's own
 * @returns {Promise<string>} the outcome in a few words
 * @throws {import("./setup-error.mjs").SetupError} `python-missing`, `pip-missing`, `download-failed`, `keras-missing`
 */
export function provideKeras(machine, requirements) {
  return providePackages(machine, {
    name: "keras",
    title: "Keras and TensorFlow",
    variable: "THAW_KERAS_PYTHON",
    pythons: ["3.11", "3.12", "3.13", "3.10"],
    requirements: requirements ?? join(machine.root, "packages", "keras-runner", "python", "requirements.txt"),
    probe:
      "import keras, tensorflow; print('thaw: Keras %s on TensorFlow %s' % (keras.__version__, tensorflow.__version__))",
    env: { KERAS_BACKEND: "tensorflow", TF_CPP_MIN_LOG_LEVEL: "2" },
    missing: "keras-missing",
  });
}
