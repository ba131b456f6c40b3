/** Characters of a foreign text that a message repeats at most. */
const SHOWN = 200;

/** A foreign text as a message shows it: the beginning of one that is long. */
export function clipped(text: string, most: number = SHOWN): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** Any value as a message shows it: JSON, the beginning of it where that is long, and never deeper than a stack is. */
export function shownValue(value: unknown, most: number = SHOWN): string {
  try {
    return clipped(String(JSON.stringify(value)), most);
  } catch {
    return "a value that nests too deep";
  }
}
