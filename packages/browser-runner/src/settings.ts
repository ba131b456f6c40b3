import type { EngineSettings } from "@thaw/core";
import { flag, integer, plainKernelNames, plainKernelsOf, type SettingTable, settingsOf } from "@thaw/runner-kit";
import type { EngineName, OpenRequest } from "./messages.ts";

/** How the browser and its engine are set up. */
export interface BrowserSettings {
  /** Fail rather than run on an emulated GPU. For webgpu and webgl. */
  readonly requireHardware: boolean;
  /** Threads of wasm, which gives itself no more than 8. */
  readonly threads: number;
  /** Names of our own kernels to replace by tfjs's, separated by commas; `all` for every one. For webgpu. */
  readonly plainKernels: string;
  /** Port of the page's server on the loopback interface; 0 for any that is free. */
  readonly port: number;
}

const TABLE: SettingTable<BrowserSettings> = {
  requireHardware: flag(false),
  threads: integer(1, 1, 8), // more were no faster for whole steps on two cores
  plainKernels: plainKernelNames,
  port: integer(0, 0, 65_535),
};

/** Which settings an engine knows. */
const KNOWN: Readonly<Record<EngineName, readonly (keyof BrowserSettings)[]>> = {
  webgpu: ["requireHardware", "plainKernels", "port"],
  webgl: ["requireHardware", "port"],
  wasm: ["threads", "port"],
  cpu: ["port"],
};

const DEFAULTS: BrowserSettings = settingsOf("", TABLE, {});

/**
 * Fills in the defaults of an engine's settings.
 * @throws ThawError `setting-invalid` for a name or value that the engine does not know
 */
export function browserSettings(engine: EngineName, settings: EngineSettings): BrowserSettings {
  const table = Object.fromEntries(KNOWN[engine].map((name) => [name, TABLE[name]]));
  return { ...DEFAULTS, ...settingsOf<Partial<BrowserSettings>>(engine, table as SettingTable<object>, settings) };
}

/** What the page is told. */
export function openRequest(engine: EngineName, settings: BrowserSettings): OpenRequest {
  const { requireHardware, threads, plainKernels } = settings;
  return { engine, requireHardware, threads, plainKernels: plainKernelsOf(plainKernels) };
}

/** The settings that mean something to this engine, for the record; a port decides no number. */
export function recordedSettings(engine: EngineName, settings: BrowserSettings): EngineSettings {
  const names = KNOWN[engine].filter((name) => name !== "port");
  return Object.fromEntries(names.map((name) => [name, settings[name]]));
}
