/** A name from outside in Markdown: on one line, with nothing that Markdown or HTML would obey. */
export function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, "")
    .replace(/[\\`*_{}[\]<>#|!~&]/g, (character) => `\\${character}`);
}

/** A value as code. */
export function code(text: string): string {
  return `\`${text.replace(/[`\p{Cc}\p{Cf}]/gu, "")}\``;
}

/** A table; cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A share as a percentage. */
export function percent(share: number | undefined): string {
  return share === undefined ? "–" : `${(share * 100).toFixed(1)} %`;
}
