import { ThawError } from "@thaw/core";

/** Reads a whole number of an option. @throws ThawError `option-invalid` */
export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ThawError("option-invalid", `${option}: "${text}" is no whole number from ${min} to ${max}.`, {
    hint: `Give a number such as ${option} ${min}.`,
  });
}
