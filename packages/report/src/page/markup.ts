/** No text that was read from a file can pose as markup: JSON has no symbols. */
const MARKUP: unique symbol = Symbol("markup");

/** HTML that may stand in a page as it is; {@link html} and {@link trusted} alone make it. */
export interface Markup {
  readonly [MARKUP]: string;
}

/** What a template takes: text is escaped, markup stands as it is, lists are joined, nothing gives nothing. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control characters, and format characters that turn text around or hide it; tabs and line ends stay. */
const UNSEEN = /(?![\t\n])[\p{Cc}\p{Cf}]/gu;

/** Text with all that would be invisible made visible: a right-to-left mark becomes `‹U+200F›`. */
export function seen(text: string): string {
  return text.replace(
    UNSEEN,
    (sign) => `‹U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}›`,
  );
}

/** A name in one line, for places that take no markup. */
export function nameText(name: string): string {
  return seen(name.replace(/\s*\n\s*/g, " ⏎ "));
}

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return "";
  if (typeof content === "number") return String(content);
  if (typeof content === "string") return seen(content).replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);
  return MARKUP in content ? content[MARKUP] : content.map(render).join("");
}

/** Takes a string for markup: for what this package or its plotting library made, never for text of a result. */
export function trusted(text: string): Markup {
  return { [MARKUP]: text };
}

/** A piece of HTML or SVG; whatever is put in is escaped, so that it can stand between tags and in quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return trusted(strings.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

/** Markup as the string that is written to a file. */
export function htmlText(markup: Markup): string {
  return markup[MARKUP];
}
