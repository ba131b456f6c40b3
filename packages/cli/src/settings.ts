import { type EngineSettings, ThawError } from "@thaw/core";

function parseValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
}

/** The settings that each runner is given. */
export type SettingsOf = (runner: string) => EngineSettings;

/**
 * Engine settings from the command line.
 * @param pairs `key=value` for every runner, or `runner.key=value` for one, from repeated --set
 * @param runners names of the runners that are asked for
 * @throws ThawError `setting-invalid`
 */
export function parseSettings(pairs: readonly string[], runners: readonly string[]): SettingsOf {
  const entries = pairs.map((pair) => {
    const [key = "", ...rest] = pair.split("=");
    if (key === "" || rest.length === 0) {
      throw new ThawError("setting-invalid", `--set ${pair}: expected key=value.`, {
        hint: "For example: --set threads=2",
      });
    }
    const dot = key.indexOf(".");
    const runner = dot < 0 ? undefined : key.slice(0, dot);
    if (runner !== undefined && !runners.includes(runner)) {
      throw new ThawError("setting-invalid", `--set ${pair}: runner "${runner}" is not among those asked for.`, {
        hint: `Runners: ${runners.join(", ")}.`,
      });
    }
    return { runner, key: key.slice(dot + 1), value: parseValue(rest.join("=")) };
  });
  return (name) =>
    Object.fromEntries(
      entries.filter(({ runner }) => runner === undefined || runner === name).map(({ key, value }) => [key, value]),
    );
}

/** `--plain-kernel`, as the setting that it is short for. */
export function plainKernelSetting(names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`plainKernels=${names.join(",")}`];
}

/**
 * A comma-separated list of numbers.
 * @throws ThawError `option-invalid`
 */
export function parseNumbers(option: string, text: string): number[] {
  return text.split(",").map((item) => {
    const value = Number(item);
    if (item.trim() === "" || !Number.isFinite(value)) {
      throw new ThawError("option-invalid", `${option}: "${item}" is no number.`, {
        hint: `Give numbers separated by commas, such as ${option} 0,50,100.`,
      });
    }
    return value;
  });
}

/** A comma-separated list of freeze counts and layer names. */
export function parseFreeze(text: string): (number | string)[] {
  return text.split(",").map((item) => (/^\d+$/.test(item.trim()) ? Number(item) : item.trim()));
}
