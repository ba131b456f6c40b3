import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readJson } from "../setup/content-hash.mjs";
import { findOnPath } from "../setup/machine.mjs";
import { SetupError } from "../setup/setup-error.mjs";

/**
 * @typedef {import("../setup/machine.mjs").Machine} Machine
 * @typedef {{ package: string, version: string, file: string, sha256: string }} WheelPin
 * @typedef {{ diskBytes: number, wheels: readonly WheelPin[], unverified?: string }} VariantPins
 * @typedef {{ tensorflow: string, python: string, platforms: Record<string, Partial<Record<"cpu" | "cuda", VariantPins>>> }} Pins
 * @typedef {{ variant: "local", folder: string, reason: string }
 *   | { variant: "cpu" | "cuda", tfVersion: string, python: string, pins: VariantPins, reason: string }} Choice
 */

/** @returns {Pins} the pinned wheels */
export function readPins() {
  return readJson(fileURLToPath(new URL("pins.json", import.meta.url)));
}

/**
 * Which libtensorflow this machine gets: the user's own, else what `THAW_DEVICE` says, else CUDA where there is an
 * NVIDIA driver, else CPU.
 * @param {Machine} machine
 * @param {Pins} [pins]
 * @returns {Promise<Choice>}
 */
export async function chooseVariant(machine, pins = readPins()) {
  const { env } = machine;
  if (env.LIBTENSORFLOW_DIR) return { variant: "local", folder: env.LIBTENSORFLOW_DIR, reason: "LIBTENSORFLOW_DIR" };
  const device = env.THAW_DEVICE;
  if (device && device !== "cpu" && device !== "cuda") {
    throw new SetupError(
      "bad-device",
      `THAW_DEVICE is "${device}"; it can be "cpu" or "cuda".`,
      "Unset it to let set-up choose: CUDA where there is an NVIDIA driver, else CPU.",
    );
  }
  const driver = device ? undefined : await nvidiaDriver(machine);
  const name = `${machine.platform}-${machine.arch}`;
  const platform = pins.platforms[name];
  if (platform === undefined) {
    throw new SetupError(
      "unsupported-platform",
      `There is no pinned libtensorflow for ${name}; there is one for ${Object.keys(pins.platforms).join(", ")}.`,
      machine.platform === "win32"
        ? "Run Thaw in WSL 2, where it is Linux (LIBTENSORFLOW_DIR, for a library of your own, is for Linux and macOS)."
        : "Set LIBTENSORFLOW_DIR to a folder that holds libtensorflow (lib/ and include/) built for this platform.",
    );
  }
  const wanted = device === "cuda" || (driver !== undefined && platform.cuda) ? "cuda" : "cpu";
  const variantPins = platform[wanted];
  if (variantPins === undefined) {
    throw new SetupError(
      "unsupported-platform",
      `There is no pinned ${wanted} build of libtensorflow for ${name}.`,
      `Set THAW_DEVICE=cpu, or LIBTENSORFLOW_DIR to a folder that holds a ${wanted} libtensorflow for this platform.`,
    );
  }
  const reason = device ? `THAW_DEVICE=${device}` : (driver ?? "no NVIDIA driver");
  return { variant: wanted, tfVersion: pins.tensorflow, python: pins.python, pins: variantPins, reason };
}

/**
 * @param {Machine} machine
 * @returns {Promise<string | undefined>} how the NVIDIA driver was found, undefined where there is none
 */
async function nvidiaDriver(machine) {
  if (existsSync(machine.nvidiaDriverFile)) return machine.nvidiaDriverFile;
  // In WSL and in some containers the driver shows in no /proc file; the tool without a working driver proves nothing.
  const tool = findOnPath("nvidia-smi", machine.env);
  if (tool === undefined) return undefined;
  const listed = await machine.run(tool, ["-L"]);
  return listed.status === 0 && listed.stdout.includes("GPU") ? "nvidia-smi" : undefined;
}
