import { existsSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../setup/setup-error.mjs";

const CORE = [
  "libtensorflow_cc.so.2",
  "libtensorflow.so.2",
  "libtensorflow_cc.so",
  "libtensorflow.so",
  "libtensorflow.2.dylib",
];
const FRAMEWORK = ["libtensorflow_framework.so.2", "libtensorflow_framework.so", "libtensorflow_framework.2.dylib"];
const HEADERS = ["tensorflow/c/c_api.h", "tensorflow/c/eager/c_api.h"];

/**
 * Looks for libtensorflow in a folder of the user: the layout of the official archive (`lib/`, `include/`) or of a
 * Python package (`libtensorflow_cc.so.2` beside `include/`).
 * @param {string} folder
 * @returns {{ libraryFolder: string, libraries: string[], include: string, identity: string }}
 *   identity: changes when the libraries do (path, size, time of change; hashing a gigabyte each time would be slow)
 */
export function findLocalLibrary(folder) {
  const fail = (/** @type {string} */ what) => {
    throw new SetupError(
      "bad-libtensorflow-dir",
      `LIBTENSORFLOW_DIR (${folder}) ${what}.`,
      `It must hold one of ${CORE.join(", ")} (in it or in lib/) and include/${HEADERS[0]}.\n` +
        "Unset it to let set-up fetch libtensorflow.",
    );
  };
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return fail("is no folder");
  const real = realpathSync(folder);
  const libraryFolder = [join(real, "lib"), join(real, "lib64"), real].find((place) =>
    CORE.some((name) => existsSync(join(place, name))),
  );
  if (libraryFolder === undefined) return fail("holds no libtensorflow");
  const include = join(real, "include");
  const missing = HEADERS.find((header) => !existsSync(join(include, header)));
  if (missing !== undefined) return fail(`lacks the header include/${missing}`);
  const libraries = [CORE, FRAMEWORK].flatMap((names) => {
    const name = names.find((candidate) => existsSync(join(libraryFolder, candidate)));
    return name === undefined ? [] : [join(libraryFolder, name)];
  });
  const identity = libraries.map((library) => {
    const { size, mtimeMs } = statSync(library);
    return `${library} ${size} ${mtimeMs}`;
  });
  return { libraryFolder, libraries, include, identity: identity.join("\n") };
}
