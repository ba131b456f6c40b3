import { deviceLabel } from "@thaw/core";
import { type ParityReport, placeText, RUNG_TITLES, type RungResult } from "@thaw/core/parity";
import { type MatrixRow, matrixOf } from "../matrix.ts";
import { OUTCOME_HEAD, outcomeCells } from "../outcome-table.ts";
import { closestLine, missingLines, verdictLine } from "../verdict.ts";
import { againstBound, partOfBound, referenceName, STATUS_WORDS } from "../wording.ts";
import { html, type Markup } from "./markup.ts";

/** A verdict in one line; where and why only where it is no pass. */
function verdictCell(cell: RungResult | null, rowSpan = 1): Markup {
  const span = rowSpan > 1 ? html` rowspan="${rowSpan}"` : null;
  if (cell === null) return html`<td${span}></td>`;
  const { status, worst, note } = cell;
  const measure = worst === null ? null : html` <span class="soft">${partOfBound(worst)}</span>`;
  const place = worst === null ? "" : placeText(worst.at);
  const why =
    status === "pass"
      ? null
      : [
          worst === null ? null : html`<span class="sub">${againstBound(worst)}</span>`,
          place === "" ? null : html`<span class="sub">${place}</span>`,
          note === undefined ? null : html`<span class="sub soft">${note}</span>`,
        ];
  return html`<td${span} class="rung ${status}"><b>${STATUS_WORDS[status]}</b>${measure}${why}</td>`;
}

/** A runner's rows; rungs that hold for every depth stand once beside all of them. */
function runnerRows(rows: readonly MatrixRow[], label: Markup): readonly Markup[] {
  const general = rows.find(({ depth }) => depth === null);
  const byDepth = rows.filter(({ depth }) => depth !== null);
  const lines = byDepth.length === 0 ? rows : byDepth;
  return lines.map(({ depth, cells }, line) => {
    const verdicts = cells.map((cell, rung) => {
      const shared = general?.cells[rung] ?? null;
      if (shared === null || depth === null) return verdictCell(cell);
      return line === 0 ? verdictCell(shared, lines.length) : null;
    });
    const head = line === 0 ? html`<th scope="rowgroup" rowspan="${lines.length}">${label}</th>` : null;
    return html`<tr>${head}<td>${depth ?? "any"}</td>${verdicts}</tr>`;
  });
}

function matrixTable(report: ParityReport): Markup {
  const { rungs, rows } = matrixOf(report);
  const labelOf = (name: string): Markup => {
    const environment = report.runners.find((runner) => runner.name === name)?.environment;
    return html`${name}${environment?.device.software ? html`<span class="sub soft">${deviceLabel(environment)}</span>` : null}`;
  };
  const bodies = [...new Set(rows.map(({ runner }) => runner))].map(
    (name) =>
      html`<tbody>${runnerRows(
        rows.filter(({ runner }) => runner === name),
        labelOf(name),
      )}</tbody>`,
  );
  return html`<div class="scroll" role="group" aria-label="Parity by runner, depth and rung" tabindex="0"><table class="plain parity"><caption>Against ${referenceName(report)}. Beside each verdict: how much of its bound the largest difference takes.</caption><thead><tr><th scope="col">Runner</th><th scope="col">Frozen layers</th>${rungs.map((rung) => html`<th scope="col">${rung} ${RUNG_TITLES[rung]}</th>`)}</tr></thead>${bodies}</table></div>`;
}

function outcomeTable({ equivalence }: ParityReport): Markup | null {
  if (equivalence.length === 0) return null;
  return html`<div class="scroll" role="group" aria-label="Equivalence of outcomes" tabindex="0"><table class="plain"><caption>Rung L5, outcome: paired test of equivalence over seeds, test accuracy</caption><thead><tr>${OUTCOME_HEAD.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${equivalence.map((outcome) => html`<tr>${outcomeCells(outcome).map((text) => html`<td>${text}</td>`)}</tr>`)}</tbody></table></div>`;
}

function reportMarkup(report: ParityReport): Markup {
  const { divergences, name, specHash, startedAt } = report;
  const first =
    divergences.length === 0
      ? html`<p>No runner leaves the reference on a rung that was judged.</p>`
      : html`<h3>Where they part first</h3><ul>${divergences.map(({ sentence }) => html`<li>${sentence}</li>`)}</ul>`;
  const closest = closestLine(report);
  return html`<h3 class="verdict ${report.passed ? "pass" : "fail"}">${verdictLine(report)}</h3>${closest === "" ? null : html`<p>${closest}</p>`}
${matrixTable(report)}${missingLines(report).map((line) => html`<p>${line}</p>`)}${first}${outcomeTable(report)}
<p class="soft">${name}, spec <code>${specHash.slice(0, 12)}</code>, ${startedAt}</p>`;
}

/** Whether the backends agree, from parity reports. */
export function paritySection(reports: readonly ParityReport[]): Markup | null {
  if (reports.length === 0) return null;
  return html`<section id="parity" aria-labelledby="parity-h"><h2 id="parity-h">Do the runners agree?</h2>${reports.map(reportMarkup)}</section>`;
}
