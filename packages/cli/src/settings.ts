import { type EngineSettings, ThawError } from "@thaw/core";

function parseValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
}

/**
 * Engine settings from the command line.
 * @param pairs `key=value`, from repeated --set
 * @throws ThawError `setting-invalid`
 */
export function parseSettings(pairs: readonly string[]): EngineSettings {
  const entries = pairs.map((pair) => {
    const [key = "", ...rest] = pair.split("=");
    if (key === "" || rest.length === 0) {
      throw new ThawError("setting-invalid", `--set ${pair}: expected key=value.`, {
        hint: "For example: --set threads=2",
      });
    }
    return [key, parseValue(rest.join("="))] as const;
  });
  return Object.fromEntries(entries);
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
