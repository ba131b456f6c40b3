import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { kerasPython } from "@thaw/keras-runner";
import { type InstalledPython, installedPython } from "@thaw/runner-kit";

const PROGRAM = fileURLToPath(new URL("../../python", import.meta.url));

/** The Python that has ONNX Runtime and safetensors. @throws ThawError `readers-missing` */
function readersPython(): InstalledPython {
  return installedPython(process.env, {
    name: "model-readers",
    variable: "THAW_READERS_PYTHON",
    words: "ONNX Runtime and safetensors",
    code: "readers-missing",
    hint: "npm test installs them; THAW_READERS_PYTHON names a Python that has them.",
  });
}

/** What a reader is asked: a file, and where there are photos these. */
export interface ReadRequest {
  readonly reader: "with_keras" | "make_keras" | "with_onnx" | "with_safetensors";
  readonly file: string;
  /** File of uint8 pixels. */
  readonly pixels?: string;
  /** File of float32 images as the network takes them, in place of pixels. */
  readonly images?: string;
  readonly shape?: readonly number[];
  readonly takesPixels?: boolean;
}

function pythonFor({ reader }: ReadRequest): InstalledPython {
  return reader === "with_keras" || reader === "make_keras" ? kerasPython(process.env) : readersPython();
}

/** Whether the Python for a reader is there. */
export function hasReader(reader: ReadRequest["reader"]): boolean {
  try {
    pythonFor({ reader, file: "" });
    return true;
  } catch {
    return false;
  }
}

/** Reads an exported file in Python. @throws Error with what Python said */
export function readInPython<T>(request: ReadRequest): Promise<T> {
  const { file, packages } = pythonFor(request);
  const path = packages === undefined ? PROGRAM : [PROGRAM, packages].join(delimiter);
  const child = spawn(file, ["-B", "-m", "thaw_readers"], { env: { ...process.env, PYTHONPATH: path } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4000);
  });
  child.stdin.end(JSON.stringify(request));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 && stdout !== ""
        ? resolve(JSON.parse(stdout) as T)
        : reject(new Error(`exit code ${code}: ${stderr}`)),
    );
  });
}
