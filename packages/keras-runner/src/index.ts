import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { type Runner, ThawError } from "@thaw/core";
import { type StdioCommand, stdioRunner } from "@thaw/runner-kit";
import { kerasPython } from "./python.ts";
import { kerasSettings } from "./settings.ts";

export { kerasPython };

/** The folder with the Python package: beside `src` and `dist` alike. */
const PROGRAM = fileURLToPath(new URL("../python", import.meta.url));

function command(): StdioCommand {
  const { file, packages } = kerasPython(process.env);
  const path = packages === undefined ? PROGRAM : [PROGRAM, packages].join(delimiter);
  return { file, args: ["-B", "-m", "thaw_keras"], env: { PYTHONPATH: path, PYTHONUNBUFFERED: "1" } };
}

/** The runner on Keras itself: `keras`. Each run has a Python process of its own. */
export function createRunner(name: string): Runner {
  if (name !== "keras") {
    throw new ThawError("runner-unknown", `@thaw/keras-runner has no runner "${name}", only "keras".`);
  }
  return stdioRunner({
    name,
    checkSettings: (settings) => ({ ...kerasSettings(settings) }),
    command,
    crashHint: "THAW_KERAS_PYTHON names another Python that has Keras.",
    traces: true,
    resumes: true,
  });
}
