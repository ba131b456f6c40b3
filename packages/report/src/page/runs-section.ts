import { deviceLabel, type Environment, type Result } from "@thaw/core";
import { MOST } from "../rows/abridged.ts";
import { confusionOf } from "../rows/confusion.ts";
import { allRows, type ReportRow, type RowGroup } from "../rows/report-rows.ts";
import { count, lossText, minutesText, percent, rateText } from "./figures.ts";
import { html, type Markup } from "./markup.ts";
import { confusionTable } from "./mistakes-section.ts";

function metricsText(metrics: { readonly accuracy: number; readonly loss: number } | null): string {
  return metrics === null ? "–" : `${percent(metrics.accuracy)}, loss ${lossText(metrics.loss)}`;
}

function epochsTable({ epochs }: Result): Markup {
  const lines = epochs.map(
    ({ phase, epoch, learningRate, train, validation }) =>
      html`<tr><td class="n">${epoch}</td><td>${phase}</td><td class="n">${rateText(Number(learningRate.toPrecision(3)))}</td><td class="n">${percent(train.accuracy)}</td><td class="n">${lossText(train.loss)}</td><td class="n">${validation === null ? "–" : percent(validation.accuracy)}</td><td class="n">${validation === null ? "–" : lossText(validation.loss)}</td></tr>`,
  );
  return html`<details><summary>${count(epochs.length, "epoch")}</summary><div class="scroll" role="group" aria-label="Epochs" tabindex="0"><table class="plain"><thead><tr><th scope="col">Epoch</th><th scope="col">Phase</th><th scope="col">Rate</th><th scope="col">Train accuracy</th><th scope="col">Train loss</th><th scope="col">Validation accuracy</th><th scope="col">Validation loss</th></tr></thead><tbody>${lines}</tbody></table></div></details>`;
}

function hashesTable({ specHash, planHash, weights, digests, data }: Result): Markup {
  const rows = [
    ["spec", specHash],
    ["plan", planHash],
    ["pretrained weights", `${weights.sha256 ?? "none"} (${weights.source})`],
    ["initial weights", digests.initial],
    ["final weights", digests.final],
    [
      `frozen weights, ${digests.frozen.tensors} tensors`,
      digests.frozen.before === digests.frozen.after
        ? `${digests.frozen.after}, the same before and after`
        : `${digests.frozen.before} before, ${digests.frozen.after} AFTER`,
    ],
    ["data", `${data.source}: ${data.train} training, ${data.validation} validation, ${data.test} test images`],
  ];
  return html`<dl class="hashes">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd><code>${value}</code></dd></div>`)}</dl>`;
}

function runMarkup(result: Result, row: ReportRow): Markup {
  const { final, timing, spec, cell, finishedAt, warnings, runner } = result;
  const confusions = (["validation", "test"] as const).flatMap((part) => {
    const confusion = confusionOf([result], part);
    return confusion === null ? [] : [confusionTable(confusion, part)];
  });
  return html`<details class="run"><summary><span class="run-name">${row.label}, seed ${spec.seed}, ${runner}</span> <span class="soft">validation ${metricsText(final.validation)}; test ${metricsText(final.test)}; ${minutesText(timing.totalMs / 60_000)} min</span></summary>
<p class="soft">${cell}, finished ${finishedAt}, Thaw ${result.thawVersion}, on ${deviceLabel(result.environment)}; weights of epoch ${final.epoch}${final.stoppedEarly ? ", stopped early" : ""}</p>
${warnings.map(({ code, message }) => html`<p class="warning">${code}: ${message}</p>`)}
${epochsTable(result)}${confusions.length === 0 ? null : html`<details><summary>Confusion matrices</summary><div class="pair">${confusions}</div></details>`}
<details><summary>Spec</summary><div class="scroll" role="group" aria-label="Spec" tabindex="0"><pre>${JSON.stringify(spec, null, 2)}</pre></div></details><details><summary>Hashes</summary>${hashesTable(result)}</details></details>`;
}

/** @param most runs that are shown of a row; all where there are few */
function rowRuns(row: ReportRow, most: number): Markup {
  const runs = [...row.runs, ...row.repeats];
  const others = runs.length - most;
  return html`${runs.slice(0, most).map((result) => runMarkup(result, row))}${others <= 0 ? null : html`<p class="soft">${row.label}: ${count(others, "more run")}, too many for this page; their results are in the folder.</p>`}`;
}

/** Runs with their epochs, spec and hashes, folded: all of them, or the first of each row where they are many. */
export function runsSection(groups: readonly RowGroup[]): Markup {
  const each = Math.max(1, Math.floor(MOST.runs / allRows(groups).length));
  const lists = groups.map(({ name, rows }) => html`<h3>${name}</h3>${rows.map((row) => rowRuns(row, each))}`);
  return html`<section id="runs" aria-labelledby="runs-h"><h2 id="runs-h">Every run</h2>${lists}</section>`;
}

function pairs(values: object): string {
  return Object.entries(values)
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
}

function environmentRow({ environment, runs }: { readonly environment: Environment; readonly runs: number }): Markup {
  const { runner, engine, device, adapter, settings, versions, platform } = environment;
  return html`<tr><th scope="row">${runner}</th><td>${engine}</td><td>${deviceLabel(environment)}${device.note === undefined ? null : html`<span class="sub soft">${device.note}</span>`}${adapter === undefined ? null : html`<span class="sub soft">${adapter.driver}</span>`}</td><td>${pairs(settings)}</td><td>${pairs(versions)}</td><td>${platform.os}, ${platform.arch}, ${count(platform.cores, "processor")}, ${(platform.memoryBytes / 2 ** 30).toFixed(0)} GiB</td><td class="n">${runs}</td></tr>`;
}

/** Where the runs took place, each environment once, and what was warned of. */
export function environmentSection(groups: readonly RowGroup[]): Markup {
  const results = allRows(groups).flatMap(({ runs, repeats }) => [...runs, ...repeats]);
  const environments = new Map<string, { environment: Environment; runs: number }>();
  const warnings = new Map<string, number>();
  for (const { environment, warnings: said } of results) {
    const key = JSON.stringify(environment);
    environments.set(key, { environment, runs: (environments.get(key)?.runs ?? 0) + 1 });
    for (const { code, message } of said) {
      warnings.set(`${code}: ${message}`, (warnings.get(`${code}: ${message}`) ?? 0) + 1);
    }
  }
  const head = ["Runner", "Engine", "Device", "Settings", "Versions", "System", "Runs"];
  return html`<section id="machine" aria-labelledby="machine-h"><h2 id="machine-h">Environment</h2>
<div class="scroll" role="group" aria-labelledby="machine-h" tabindex="0"><table class="plain wide"><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${[...environments.values()].map(environmentRow)}</tbody></table></div>
<h3>Warnings</h3>${warnings.size === 0 ? html`<p>None.</p>` : html`<ul>${[...warnings].map(([text, runs]) => html`<li>${text} <span class="soft">(${count(runs, "run")})</span></li>`)}</ul>`}</section>`;
}
