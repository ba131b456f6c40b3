import { type EngineSettings, type KernelName, nearest, ThawError } from "@thaw/core";
import type { EngineName, OpenRequest } from "./messages.ts";

/** How the browser and its engine are set up; recorded with every result. */
export interface BrowserSettings {
  /** Fail rather than run on an emulated GPU. For webgpu and webgl. */
  readonly requireHardware: boolean;
  /** Threads of wasm. Changing them may change the order of sums, and so the last bits. */
  readonly threads: number;
  /** Names of our own kernels to replace by tfjs's, separated by commas; `all` for every one. For webgpu. */
  readonly plainKernels: string;
  /** Port of the page's server on the loopback interface; 0 for any that is free. */
  readonly port: number;
}

const DEFAULTS: BrowserSettings = {
  requireHardware: false,
  threads: 1, // more were no faster for whole steps on two cores
  plainKernels: "",
  port: 0,
};

/** Which settings an engine knows. */
const KNOWN: Readonly<Record<EngineName, readonly (keyof BrowserSettings)[]>> = {
  webgpu: ["requireHardware", "plainKernels", "port"],
  webgl: ["requireHardware", "port"],
  wasm: ["threads", "port"],
  cpu: ["port"],
};

const EXPECTED: Readonly<Record<keyof BrowserSettings, readonly [string, (value: unknown) => boolean]>> = {
  requireHardware: ["true or false", (value) => typeof value === "boolean"],
  threads: ["an integer from 1 to 8", (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 8],
  plainKernels: ["names separated by commas, or all", (value) => typeof value === "string"],
  port: [
    "an integer from 0 to 65535",
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65535,
  ],
};

/**
 * Fills in the defaults of an engine's settings.
 * @throws ThawError `setting-invalid` for a name or value that the engine does not know
 */
export function browserSettings(engine: EngineName, settings: EngineSettings): BrowserSettings {
  const known = KNOWN[engine];
  for (const [key, value] of Object.entries(settings)) {
    const name = known.find((candidate) => candidate === key);
    if (name === undefined) {
      const [near] = nearest(key, known);
      throw new ThawError("setting-invalid", `Runner "${engine}" has no setting "${key}".`, {
        hint: near === undefined ? `It has ${known.join(", ")}.` : `Did you mean "${near}"?`,
      });
    }
    const [expected, accepts] = EXPECTED[name];
    if (accepts(value)) continue;
    const message = `Setting ${name} of runner "${engine}" is ${JSON.stringify(value)}, expected ${expected}.`;
    throw new ThawError("setting-invalid", message, { hint: `Settings: ${known.join(", ")}.` });
  }
  return { ...DEFAULTS, ...settings };
}

/** What the page is told. */
export function openRequest(engine: EngineName, settings: BrowserSettings): OpenRequest {
  const names = settings.plainKernels.split(",").filter((name) => name !== "");
  return {
    engine,
    requireHardware: settings.requireHardware,
    threads: engine === "wasm" ? settings.threads : 1,
    plainKernels: settings.plainKernels === "all" ? "all" : (names as KernelName[]),
  };
}

/** The settings that are in force and mean something to this engine, for the record; a port decides no number. */
export function recordedSettings(engine: EngineName, settings: BrowserSettings): EngineSettings {
  const names = KNOWN[engine].filter((name) => name !== "port");
  return Object.fromEntries(names.map((name) => [name, settings[name]]));
}
