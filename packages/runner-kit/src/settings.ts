import { type EngineSettings, type KernelName, nearest, OP_TOLERANCES, ThawError } from "@thaw/core";

/** One setting of a runner: its value when nobody says otherwise, and which values it takes. */
export interface Setting<T extends EngineSettings[string]> {
  readonly fallback: T;
  /** For a message: `an integer from 1 to 256`. */
  readonly expected: string;
  accepts(value: unknown): boolean;
}

/** The settings of a runner by name. */
export type SettingTable<S> = { readonly [K in keyof S]: Setting<S[K] & EngineSettings[string]> };

/** Names of kernels that compute, and so can be plain. */
const KERNELS = Object.keys(OP_TOLERANCES);

/** True or false. */
export function flag(fallback: boolean): Setting<boolean> {
  return { fallback, expected: "true or false", accepts: (value) => typeof value === "boolean" };
}

/** A whole number from `least` to `most`. */
export function integer(fallback: number, least: number, most: number): Setting<number> {
  return {
    fallback,
    expected: `an integer from ${least} to ${most}`,
    accepts: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  };
}

/** One of several words, the first of them where nobody says otherwise. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words): Setting<Words[number]> {
  return {
    fallback: words[0],
    expected: words.join(" or "),
    accepts: (value) => typeof value === "string" && words.includes(value),
  };
}

/** Kernels to replace by their plain forms, separated by commas; see {@link plainKernelsOf}. */
export const plainKernelNames: Setting<string> = {
  fallback: "",
  expected: "names of kernels separated by commas, or all",
  accepts: (value) =>
    typeof value === "string" &&
    (value === "all" || value.split(",").every((name) => name === "" || KERNELS.includes(name))),
};

/** The kernels that a setting of {@link plainKernelNames} names. */
export function plainKernelsOf(setting: string): readonly KernelName[] | "all" {
  return setting === "all" ? setting : (setting.split(",").filter((name) => name !== "") as KernelName[]);
}

/**
 * Fills in what was not given.
 * @param runner its name, for messages
 * @throws ThawError `setting-invalid` for a name or a value that the runner does not know
 */
export function settingsOf<S>(runner: string, table: SettingTable<S>, given: EngineSettings): S {
  const settings: Readonly<Record<string, Setting<EngineSettings[string]>>> = table;
  const known = Object.keys(settings);
  for (const [key, value] of Object.entries(given)) {
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (setting === undefined) {
      const [near] = nearest(key, known);
      throw new ThawError("setting-invalid", `Runner "${runner}" has no setting "${key}".`, {
        hint: near === undefined ? `It has ${known.join(", ")}.` : `Did you mean "${near}"?`,
      });
    }
    if (setting.accepts(value)) continue;
    const message = `Setting ${key} of runner "${runner}" is ${JSON.stringify(value)}, expected ${setting.expected}.`;
    throw new ThawError("setting-invalid", message, { hint: `Settings: ${known.join(", ")}.` });
  }
  const fallbacks = Object.fromEntries(known.map((key) => [key, settings[key]?.fallback]));
  return { ...fallbacks, ...given } as S;
}
