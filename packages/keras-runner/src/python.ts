import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ThawError } from "@thaw/core";
import { cacheFolder } from "@thaw/runner-kit";

/** A Python that has Keras. */
export interface KerasPython {
  readonly file: string;
  /** Folder with packages beside the interpreter's own, where set-up had to put them there. */
  readonly packages?: string;
}

const HINT = "npm run setup -- --keras";

/**
 * The Python to start: THAW_KERAS_PYTHON, else the one that set-up has written down.
 * @throws ThawError `keras-missing`
 */
export function kerasPython(env: Readonly<Record<string, string | undefined>>): KerasPython {
  if (env.THAW_KERAS_PYTHON) return { file: env.THAW_KERAS_PYTHON };
  const record = join(cacheFolder(env), "keras.json");
  if (!existsSync(record)) throw new ThawError("keras-missing", "Keras is not installed.", { hint: HINT });
  const { python, packages } = JSON.parse(readFileSync(record, "utf8")) as { python: string; packages: string | null };
  if (!existsSync(python)) {
    throw new ThawError("keras-missing", `Keras was installed for ${python}, which is gone.`, { hint: HINT });
  }
  return packages === null ? { file: python } : { file: python, packages };
}
