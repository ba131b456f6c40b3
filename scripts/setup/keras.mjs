import { join } from "node:path";
import { providePackages } from "./python-packages.mjs";

/** @typedef {import("./machine.mjs").Machine} Machine */

const ABOUT =
  "import keras, tensorflow; print('thaw: Keras %s on TensorFlow %s' % (keras.__version__, tensorflow.__version__))";

/**
 * Makes a Python with Keras stand in the cache; packages/keras-runner looks for it in `<cache>/keras.json`.
 * @param {Machine} machine
 * @param {string} [requirements] file with the pins, if not the runner's own
 * @returns {Promise<string>} the outcome in a few words
 * @throws {import("./setup-error.mjs").SetupError} `python-missing`, `pip-missing`, `download-failed`, `keras-missing`
 */
export function provideKeras(machine, requirements) {
  return providePackages(machine, {
    name: "keras",
    words: "Keras and TensorFlow",
    pins: requirements ?? join(machine.root, "packages", "keras-runner", "python", "requirements.txt"),
    about: ABOUT,
    variable: "THAW_KERAS_PYTHON",
    code: "keras-missing",
  });
}
