import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { ThawError } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { describeNative } from "../src/native/describe.ts";
import { gpuReason } from "../src/native/gpu.ts";
import { loadNative, type NativeInfo, type NativeOptions } from "../src/native/load.ts";
import { restoreUtilFunctions } from "../src/native/node-shim.ts";

const OPTIONS: NativeOptions = { threads: 2, oneDnn: false };

interface ChildReport {
  readonly info: NativeInfo;
  readonly sum: number;
  readonly newThreads: number;
}

/** A process of its own for each setting: libtensorflow reads them once. */
async function loadInChild(options: NativeOptions): Promise<{ report: ChildReport; stderr: string }> {
  const script = fileURLToPath(new URL("native-child.ts", import.meta.url));
  const args = ["--conditions=source", "--import", "tsx", script, JSON.stringify(options)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "0" },
  });
  return { report: JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as ChildReport, stderr };
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return error instanceof ThawError ? error.code : String(error);
  }
  return undefined;
}

describe("loadNative", () => {
  it("makes libtensorflow tfjs-core's backend and says what it is", () => {
    const { tf, backend, info } = loadNative(OPTIONS);
    expect(tf.getBackend()).toBe("tensorflow");
    expect(Array.from(tf.add([1, 2], [10, 20]).dataSync())).toEqual([11, 22]);
    expect(info).toMatchObject({ tfVersion: backend.binding.TF_Version, threads: 2, oneDnn: false, tf32: false });
    expect(info.usingGpu).toBe(backend.binding.isUsingGpuDevice());
    expect(info.gpuReason === null).toBe(info.usingGpu);
  });

  it("runs TensorFlow operations that tfjs has no kernel for", () => {
    const { tf, backend } = loadNative(OPTIONS);
    const { binding } = backend;
    const images = tf.tensor4d([1, 2, 3, 6], [4, 1, 1, 1]);
    const attributes = [
      { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: "U", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: "epsilon", type: binding.TF_ATTR_FLOAT, value: 0 },
      { name: "is_training", type: binding.TF_ATTR_BOOL, value: true },
    ];
    const inputs = [images, tf.tensor1d([2]), tf.tensor1d([1]), tf.tensor1d([0]), tf.tensor1d([1])];
    const outputs = backend.executeMultipleOutputs("FusedBatchNormV3", attributes, inputs, 6);
    expect(outputs).toHaveLength(6);
    const [normalised, mean, variance] = outputs.map((output) => Array.from(output.dataSync()));
    // mean 3, variance 3.5 (Bessel-corrected in the running statistics: 14 / 3), so y = 2 (x - 3) / √3.5 + 1
    [1, 2, 3, 6].forEach((x, i) => {
      expect(normalised?.[i]).toBeCloseTo((2 * (x - 3)) / Math.sqrt(3.5) + 1, 5);
    });
    expect(mean?.[0]).toBeCloseTo(3, 6);
    expect(variance?.[0]).toBeCloseTo(14 / 3, 5);
  });

  it("is the same for the same options, and refuses others once it is loaded", () => {
    expect(loadNative(OPTIONS)).toBe(loadNative({ ...OPTIONS, tf32: false }));
    expect(codeOf(() => loadNative({ ...OPTIONS, oneDnn: true }))).toBe("native-already-loaded");
    expect(codeOf(() => loadNative({ ...OPTIONS, threads: 1 }))).toBe("native-already-loaded");
  });

  it("sets the environment that the C library reads: oneDNN and threads", async () => {
    const on = await loadInChild({ threads: 1, oneDnn: true });
    const off = await loadInChild({ threads: 3, oneDnn: false });
    expect([on.report.info.oneDnn, on.report.info.threads, on.report.info.tf32]).toEqual([true, 1, false]);
    expect([off.report.info.oneDnn, off.report.info.threads]).toEqual([false, 3]);
    expect([on.report.sum, off.report.sum]).toEqual([256 ** 3 / 4, 256 ** 3 / 4]);
    expect(off.report.newThreads - on.report.newThreads).toBe(4); // two of TensorFlow's, two of our own kernels'
    expect(off.stderr).not.toContain("oneDNN custom operations are on");
    if (process.arch === "x64") expect(on.stderr).toContain("oneDNN custom operations are on");
  });

  it("refuses a number of threads that is none", async () => {
    await expect(loadInChild({ threads: 0, oneDnn: false })).rejects.toThrow("threads is 0; it must be a whole number");
  });

  it("refuses a worker thread, whose environment the C library does not see", async () => {
    const tsx = new URL(
      "dist/esm/api/index.mjs",
      pathToFileURL(createRequire(import.meta.url).resolve("tsx/package.json")),
    ).href;
    const load = new URL("../src/native/load.ts", import.meta.url).href;
    const script = `import { parentPort } from "node:worker_threads";
      import { register } from ${JSON.stringify(tsx)};
      register();
      const { loadNative } = await import(${JSON.stringify(load)});
      try { loadNative({ oneDnn: false }); parentPort.postMessage("loaded"); }
      catch (error) { parentPort.postMessage(error.code); }`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(script)}`);
    const worker = new Worker(url, { execArgv: ["--conditions=source"] });
    const [code] = await once(worker, "message");
    await worker.terminate();
    expect(code).toBe("native-thread");
  });
});

describe("restoreUtilFunctions", () => {
  it("gives back what Node 23 removed", () => {
    const util: Record<string, unknown> = {};
    restoreUtilFunctions(util);
    const { isNullOrUndefined, isArray } = util as Record<string, (value: unknown) => boolean>;
    expect([undefined, null, 0, ""].map((value) => isNullOrUndefined?.(value))).toEqual([true, true, false, false]);
    expect([[], {}].map((value) => isArray?.(value))).toEqual([true, false]);
  });

  it("leaves what is there", () => {
    const own = (): boolean => true;
    const util: Record<string, unknown> = { isArray: own };
    restoreUtilFunctions(util);
    expect(util.isArray).toBe(own);
  });
});

describe("gpuReason", () => {
  const driver = "NVRM version: 570";
  it.each([
    ["cuda", true, {}, driver, null],
    ["cpu", false, {}, undefined, "no NVIDIA driver, so set-up took the CPU build"],
    ["cpu", false, {}, driver, "THAW_DEVICE=cuda npm run setup"],
    ["cuda", false, {}, undefined, "the CUDA build of TensorFlow found no GPU: there is no NVIDIA driver"],
    ["cuda", false, {}, driver, "found no usable GPU, though there is a driver (NVRM version: 570)"],
    ["cuda", false, { CUDA_VISIBLE_DEVICES: "" }, driver, "CUDA_VISIBLE_DEVICES= hides every GPU"],
    ["local", false, { THAW_DEVICE: "cpu" }, driver, "THAW_DEVICE=cpu"],
  ] as const)("%s build, on a GPU: %s, %o, driver %s", (variant, usingGpu, env, found, expected) => {
    const reason = gpuReason(variant, usingGpu, env, found);
    if (expected === null) expect(reason).toBeNull();
    else expect(reason).toContain(expected);
  });
});

describe("describeNative", () => {
  it("tells what is there, from a process of its own", async () => {
    const native = await describeNative();
    expect(native).toMatchObject({ ok: true, tfVersion: expect.stringMatching(/^2\.\d+\.\d+$/) });
    if (!native.ok) return;
    expect(native.gpuReason === null).toBe(native.usingGpu);
  });

  it("tells what is missing and what to do", async () => {
    const folder = mkdtempSync(join(tmpdir(), "thaw-native-"));
    expect(
      await describeNative({ ...process.env, THAW_CACHE: folder, THAW_DEVICE: "", LIBTENSORFLOW_DIR: "" }),
    ).toEqual({
      ok: false,
      code: "native-missing",
      message: `There is no libtensorflow in ${join(folder, "native")}.`,
      hint: "Run in the checkout: npm run setup",
    });
    rmSync(folder, { recursive: true });
  });
});
