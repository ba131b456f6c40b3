import { type InstalledPython, installedPython } from "@thaw/runner-kit";

/**
 * The Python to start: THAW_KERAS_PYTHON, else the one that set-up has written down.
 * @throws ThawError `keras-missing`
 */
export function kerasPython(env: Readonly<Record<string, string | undefined>>): InstalledPython {
  return installedPython(env, {
    name: "keras",
    variable: "THAW_KERAS_PYTHON",
    words: "Keras",
    code: "keras-missing",
    hint: "npm run setup -- --keras",
  });
}
