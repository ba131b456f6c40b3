/** Control characters, lone surrogates, line separators and invisible formatting; joiners stay, emoji and scripts need them. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]|(?![\u200c\u200d])\p{Cf}/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** As JSON and JavaScript write it: a character beyond the first plane in two halves. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/**
 * Makes a foreign text, such as the name of a file, safe to print in one line: what would move the cursor, colour a
 * terminal or turn the reading direction shows as an escape (`\u001b`).
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character));
}

/** A value as one line of JSON, with the very texts in it, that is safe to print. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value)); // the escapes are JSON's own
}
