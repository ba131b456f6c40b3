/** Control characters, lone surrogates, line separators and invisible formatting; joiners stay, emoji and scripts need them. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]|(?![\u200c\u200d])\p{Cf}/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Makes a foreign text, such as the name of a file, safe to print in one line: what would move the cursor, colour a
 * terminal or turn the reading direction shows as an escape (`\u001b`).
 */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => SHORT[character] ?? `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
