import { spawn } from "node:child_process";
import { ThawError } from "@thaw/core";
import { programEnvironment } from "@thaw/runner-kit";
import type { Environment } from "./cache-folder.ts";
import { gpuReason, nvidiaDriver } from "./gpu.ts";
import { type LocatedNative, locateNative } from "./locate.ts";
import type { NativeVariant } from "./manifest.ts";

/** What `thaw doctor` tells of libtensorflow. */
export type NativeDescription =
  | {
      readonly ok: true;
      readonly tfVersion: string;
      readonly variant: NativeVariant;
      readonly key: string;
      readonly folder: string;
      readonly wheels: readonly string[];
      readonly compiler: string;
      readonly builtAt: string;
      readonly usingGpu: boolean;
      readonly gpuReason: string | null;
      /** The NVIDIA driver's version line, null where there is no driver. */
      readonly driver: string | null;
      /** What TensorFlow logged about CUDA, if anything. */
      readonly log: readonly string[];
    }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

const PROBE_MS = 60_000;

const PROBE = `
const binding = require(process.argv[1]);
const type = { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
const ids = [1, 10].map((value) => binding.createTensor([1], binding.TF_FLOAT, new Float32Array([value])));
const [sum] = binding.executeOp("AddV2", [type], ids, 1);
if (binding.tensorDataSync(sum.id)[0] !== 11) throw new Error("1 + 10 is not 11");
console.log(JSON.stringify({ tfVersion: binding.TF_Version, usingGpu: binding.isUsingGpuDevice() }));
`;

/** Loads the addon in a child process, runs one operation, and tells what came of it. Never throws, and loads nothing here. */
export async function describeNative(env: Environment = process.env): Promise<NativeDescription> {
  let located: LocatedNative;
  try {
    located = locateNative(env);
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    return { ok: false, code: error.code, message: error.message, hint: error.hint ?? "" };
  }
  const { manifest, folder, addon } = located;
  const { stdout, stderr, ended } = await probe(addon, env);
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (ended !== "status 0" || !line.startsWith("{")) {
    const reason = stderr.split("\n").find((text) => /error|symbol|cannot open/i.test(text));
    return {
      ok: false,
      code: "native-broken",
      message: `A process that loads ${addon} ended with ${ended}${reason === undefined ? "" : `: ${reason.trim()}`}.`,
      hint: "Remove its folder and run: npm run setup",
    };
  }
  const { tfVersion, usingGpu } = JSON.parse(line) as { tfVersion: string; usingGpu: boolean };
  return {
    ok: true,
    tfVersion,
    variant: manifest.variant,
    key: manifest.key,
    folder,
    wheels: manifest.wheels.map(({ file }) => file),
    compiler: manifest.compiler,
    builtAt: manifest.builtAt,
    usingGpu,
    gpuReason: gpuReason(manifest.variant, usingGpu, env),
    driver: nvidiaDriver() ?? null,
    log: stderr.split("\n").filter((text) => /cuda|gpu|cudnn/i.test(text)),
  };
}

function probe(addon: string, environment: Environment): Promise<{ stdout: string; stderr: string; ended: string }> {
  return new Promise((resolve) => {
    const env: Record<string, string | undefined> = { ...programEnvironment(environment), TF_CPP_MIN_LOG_LEVEL: "0" };
    if (env.THAW_DEVICE === "cpu") env.CUDA_VISIBLE_DEVICES = "-1";
    const child = spawn(process.execPath, ["-e", PROBE, addon], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: PROBE_MS,
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) => resolve({ stdout, stderr, ended: error.message }));
    child.on("close", (status, signal) =>
      resolve({ stdout, stderr, ended: signal ? `signal ${signal}` : `status ${status}` }),
    );
  });
}
