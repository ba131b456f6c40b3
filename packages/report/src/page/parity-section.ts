import { deviceLabel } from "@thaw/core";
import { type ParityReport, placeText, RUNG_TITLES, type RungResult } from "@thaw/core/parity";
import { matrixOf } from "../matrix.ts";
import { OUTCOME_HEAD, outcomeCells } from "../outcome-table.ts";
import { closestLine, missingLines, verdictLine } from "../verdict.ts";
import { againstBound, referenceName, STATUS_WORDS } from "../wording.ts";
import { html, type Markup } from "./markup.ts";

function verdictCell(cell: RungResult | null): Markup {
  if (cell === null) return html`<td></td>`;
  const { status, worst, note } = cell;
  const where = worst === null ? "" : placeText(worst.at);
  return html`<td class="rung ${status}"><b>${STATUS_WORDS[status]}</b>${worst === null ? null : html`<span class="sub">${againstBound(worst)}</span>`}${where === "" ? null : html`<span class="sub soft">${where}</span>`}${note === undefined || status === "pass" ? null : html`<span class="sub soft">${note}</span>`}</td>`;
}

function matrixTable(report: ParityReport): Markup {
  const { rungs, rows } = matrixOf(report);
  const emulated = (name: string): string | null => {
    const environment = report.runners.find((runner) => runner.name === name)?.environment;
    return environment?.device.software ? deviceLabel(environment) : null;
  };
  const lines = rows.map(
    ({ runner, depth, cells }) =>
      html`<tr><th scope="row">${runner}<span class="sub soft">${emulated(runner)}</span></th><td>${depth ?? "any"}</td>${cells.map(verdictCell)}</tr>`,
  );
  return html`<div class="scroll" role="region" aria-label="Parity by runner, depth and rung" tabindex="0"><table class="plain parity"><caption>Against ${referenceName(report)}; every value beside its bound</caption><thead><tr><th scope="col">Runner</th><th scope="col">Frozen layers</th>${rungs.map((rung) => html`<th scope="col">${rung} ${RUNG_TITLES[rung]}</th>`)}</tr></thead><tbody>${lines}</tbody></table></div>`;
}

function outcomeTable({ equivalence }: ParityReport): Markup | null {
  if (equivalence.length === 0) return null;
  return html`<div class="scroll" role="region" aria-label="Equivalence of outcomes" tabindex="0"><table class="plain"><caption>Rung L5, outcome: paired test of equivalence over seeds, test accuracy</caption><thead><tr>${OUTCOME_HEAD.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${equivalence.map((outcome) => html`<tr>${outcomeCells(outcome).map((text) => html`<td>${text}</td>`)}</tr>`)}</tbody></table></div>`;
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
