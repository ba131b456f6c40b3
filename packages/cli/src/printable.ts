import { stripVTControlCharacters } from "node:util";

/** Control characters, marks that turn the direction of text around, line and paragraph separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
/** What JSON lets stand though a terminal may obey it: the C1 control characters, DEL, and the marks above. */
const UNSAFE_IN_JSON = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** A name from outside (a file, a class) as a terminal may show it: without escape sequences and control characters. */
export function printable(name: string): string {
  return stripVTControlCharacters(name).replace(UNPRINTABLE, "");
}

/** A line of JSON with the very names in it; what a terminal could obey is escaped. */
export function jsonLine(value: unknown): string {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(UNSAFE_IN_JSON, escaped);
}
