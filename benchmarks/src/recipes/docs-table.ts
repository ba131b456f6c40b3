import { ThawError } from "@thaw/core";

const markers = (name: string): readonly [string, string] => [`<!-- table: ${name} -->`, "<!-- end of table -->"];

function bounds(page: string, name: string): readonly [start: number, end: number] {
  const [open, close] = markers(name);
  const start = page.indexOf(open);
  const end = page.indexOf(close, start);
  if (start >= 0 && end >= 0) return [start + open.length, end];
  throw new ThawError("docs-marker-missing", `The page has no place for the table "${name}".`, {
    hint: `Put the lines ${open} and ${close} where it belongs.`,
  });
}

/** The table that stands between a page's markers. @throws ThawError `docs-marker-missing` */
export function tableIn(page: string, name: string): string {
  const [start, end] = bounds(page, name);
  return page.slice(start, end).trim();
}

/** The page with another table between its markers. @throws ThawError `docs-marker-missing` */
export function withTable(page: string, name: string, table: string): string {
  const [start, end] = bounds(page, name);
  return `${page.slice(0, start)}\n\n${table}\n\n${page.slice(end)}`;
}
