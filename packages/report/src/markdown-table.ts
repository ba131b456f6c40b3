import { printable } from "@thaw/core";

/** Lines of a foreign text with what is invisible in them shown. */
function seenLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join("\n");
}

/** Text inside a table's cell: nothing in it is Markdown or HTML. */
export function plain(text: string): string {
  return seenLines(text)
    .replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? sign)
    .replace(/([\\`*_[\]|~])/g, "\\$1")
    .replace(/\s*\n\s*/g, "<br>");
}

/** A name that is to be read letter by letter. */
export function code(text: string): string {
  return text === ""
    ? ""
    : `\`${seenLines(text)
        .replace(/`/g, "'")
        .replace(/\|/g, "\\|")
        .replace(/\s*\n\s*/g, " ")}\``;
}

/** A table; its cells are Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A part that opens on a click. */
export function folded(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}
