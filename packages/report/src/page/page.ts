import { deviceLabel, type Result } from "@thaw/core";
import type { ParityReport } from "@thaw/core/parity";
import { abridgedGroups } from "../rows/abridged.ts";
import { bestRow } from "../rows/best-row.ts";
import { worstMistakes } from "../rows/mistakes.ts";
import { allRows, groupRows } from "../rows/report-rows.ts";
import { bestSection } from "./best-section.ts";
import { count, list } from "./figures.ts";
import { html, htmlText, type Markup } from "./markup.ts";
import { mistakesSection } from "./mistakes-section.ts";
import { documentText, styleHash, themeChoice } from "./page-frame.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { paritySection } from "./parity-section.ts";
import type { Photos } from "./photos.ts";
import { ratePlot } from "./rate-plot.ts";
import { resultsTable } from "./results-table.ts";
import { environmentSection, runsSection } from "./runs-section.ts";
import type { SpeedRecording } from "./speed.ts";
import { speedSection } from "./speed-section.ts";

/** What a report is made of. */
export interface ReportInput {
  readonly title: string;
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  readonly thawVersion: string;
  /** At least one. */
  readonly results: readonly Result[];
  readonly parity: readonly ParityReport[];
  readonly speed: SpeedRecording | null;
  readonly photos: Photos;
}

/** An image that a report would show, and the result whose data it is part of. */
export interface WantedPhoto {
  readonly id: string;
  readonly result: Result;
}

/** The photos that {@link reportPage} shows: of the best row, what it got most wrong. */
export function wantedPhotos(results: readonly Result[]): readonly WantedPhoto[] {
  const best = bestRow(allRows(groupRows(results)));
  const mistakes = best === null ? [] : (worstMistakes(best.row.runs) ?? []);
  return mistakes.flatMap(({ id, seed }) => {
    const result = best?.row.runs.find(({ spec }) => spec.seed === seed);
    return result === undefined ? [] : [{ id, result }];
  });
}

/** Where the runs took place, in a line. */
function summaryLine(results: readonly Result[]): string {
  const devices = [...new Set(results.map(({ runner, environment }) => `${runner} on ${deviceLabel(environment)}`))];
  const sets = [
    ...new Set(
      results.map(
        ({ data }) =>
          `${data.source} (${data.images} images, ${count(data.classes.length, "class").replace("classs", "classes")})`,
      ),
    ),
  ];
  return `${count(results.length, "run")} on ${list(sets)}; ${list(devices)}.`;
}

/** All sections of a report, and the links to them. */
async function sections(input: ReportInput): Promise<readonly { id: string; name: string; markup: Markup }[]> {
  const all = groupRows(input.results);
  const best = bestRow(allRows(all));
  const { groups } = abridgedGroups(all);
  const candidates = [
    { id: "best", name: "Best row", markup: bestSection(best) },
    { id: "table", name: "Experiments", markup: await resultsTable(groups, best?.row.id ?? null) },
    { id: "rates", name: "Learning rate", markup: await ratePlot(groups) },
    { id: "mistakes", name: "Mistakes", markup: mistakesSection(best, input.photos) },
    { id: "parity", name: "Parity", markup: paritySection(input.parity) },
    { id: "speed", name: "Speed", markup: await speedSection(groups, input.speed) },
    { id: "runs", name: "Runs", markup: runsSection(groups) },
    { id: "machine", name: "Environment", markup: environmentSection(groups) },
  ];
  return candidates.flatMap(({ id, name, markup }) => (markup === null ? [] : [{ id, name, markup }]));
}

/** A report without its frame: what stands below its title, and its sections. */
export interface ReportBody {
  readonly header: Markup;
  readonly main: Markup;
}

/** Makes a report's content, for a page of one's own. */
export async function reportBody(input: ReportInput): Promise<ReportBody> {
  const { madeAt, thawVersion, results } = input;
  const parts = await sections(input);
  const { shown, rows } = abridgedGroups(groupRows(results));
  const cut =
    shown === rows
      ? null
      : html`<p class="soft">Of ${rows} rows the ${shown} with the highest validation accuracy are shown; the best one was chosen among all.</p>`;
  const header = html`<p>${summaryLine(results)}</p>${cut}
<p class="soft">Thaw ${thawVersion}, report made ${madeAt.slice(0, 16).replace("T", " ")} UTC</p>
<nav aria-label="Sections"><ul>${parts.map(({ id, name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>`;
  return { header, main: html`${parts.map(({ markup }) => markup)}` };
}

/**
 * Results as one page of HTML: no script, no network, nothing outside the file, and a policy that allows nothing else.
 * @returns the file's text
 */
export async function reportPage(input: ReportInput): Promise<string> {
  const { title, thawVersion } = input;
  const { header, main } = await reportBody(input);
  const policy = `default-src 'none'; style-src '${await styleHash(PAGE_STYLE)}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const bar = html`<div class="bar"><h1>${title}</h1>${themeChoice()}</div>${header}`;
  return htmlText(documentText({ title, thawVersion, style: PAGE_STYLE, policy, header: bar, main }));
}
