import { existsSync, readFileSync } from "node:fs";
import type { Environment } from "./cache-folder.ts";
import type { NativeVariant } from "./manifest.ts";

const DRIVER_FILE = "/proc/driver/nvidia/version";

/** What NVIDIA's kernel driver says of itself (first line), undefined where there is no driver. */
export function nvidiaDriver(file: string = DRIVER_FILE): string | undefined {
  if (existsSync(file)) return readFileSync(file, "utf8").split("\n")[0]?.trim();
  // Under WSL the driver is Windows's and shows in no /proc file.
  return existsSync("/usr/lib/wsl/lib/libcuda.so.1") ? "WSL (libcuda.so.1)" : undefined;
}

/** Why a run is not on a GPU; null when it is on one. */
export function gpuReason(
  variant: NativeVariant,
  usingGpu: boolean,
  env: Environment = process.env,
  driver: string | undefined = nvidiaDriver(),
): string | null {
  if (usingGpu) return null;
  if (env.THAW_DEVICE === "cpu") return "THAW_DEVICE=cpu";
  if (variant === "cpu") {
    return driver === undefined
      ? "no NVIDIA driver, so set-up took the CPU build of TensorFlow"
      : "this is the CPU build of TensorFlow; there is an NVIDIA driver: THAW_DEVICE=cuda npm run setup";
  }
  const build = variant === "cuda" ? "the CUDA build of TensorFlow" : "the TensorFlow of LIBTENSORFLOW_DIR";
  if (driver === undefined) return `${build} found no GPU: there is no NVIDIA driver (no ${DRIVER_FILE})`;
  if (env.CUDA_VISIBLE_DEVICES === "" || env.CUDA_VISIBLE_DEVICES === "-1") {
    return `CUDA_VISIBLE_DEVICES=${env.CUDA_VISIBLE_DEVICES} hides every GPU`;
  }
  return `${build} found no usable GPU, though there is a driver (${driver}); TensorFlow's log says why`;
}
