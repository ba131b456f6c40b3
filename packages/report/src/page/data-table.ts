import { stringify } from "csv-stringify/sync";
import { html, type Markup, nameText } from "./markup.ts";

/** A column of a plot's data. */
export interface Column<T> {
  readonly name: string;
  of(row: T): string | number | null;
  /** How a number is shown; the file has all its digits. */
  readonly digits?: number;
}

/**
 * Rows as CSV (RFC 4180); text that a spreadsheet would take for a formula begins with an apostrophe.
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function csvText<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const lines = rows.map((row) => columns.map((column) => column.of(row)));
  return stringify([columns.map(({ name }) => name), ...lines], { escape_formulas: true, record_delimiter: "\r\n" });
}

function cellOf<T>({ of, digits }: Column<T>, row: T): Markup {
  const value = of(row);
  if (typeof value !== "number") return html`<td>${value === null ? "–" : nameText(value)}</td>`;
  return html`<td class="n">${digits === undefined ? value : Number(value.toPrecision(digits))}</td>`;
}

/** A link that saves the rows as a file, without a script and without a network. */
export function csvLink<T>(file: string, columns: readonly Column<T>[], rows: readonly T[]): Markup {
  const address = `data:text/csv;charset=utf-8,${encodeURIComponent(csvText(columns, rows))}`;
  return html`<a class="csv" download="${file}" href="${address}">Save as CSV<span class="sr"> (${file})</span></a>`;
}

/** What a plot shows, as a table that opens on demand and as a file. */
export function dataTable<T>(caption: string, file: string, columns: readonly Column<T>[], rows: readonly T[]): Markup {
  return html`<details class="data"><summary>Data of this plot</summary>
<div class="scroll" role="group" aria-label="${caption}" tabindex="0"><table class="plain"><caption>${caption}</caption>
<thead><tr>${columns.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${columns.map((column) => cellOf(column, row))}</tr>`)}</tbody></table></div></details>
${csvLink(file, columns, rows)}`;
}
