import type { LayerTreatment, PhaseSummary, Result } from "@thaw/core";
import { countText, trainingWords } from "../what-trains.ts";
import { list } from "./figures.ts";
import { html, type Markup } from "./markup.ts";

/** Layers beside each other that are treated alike. */
interface Stretch {
  readonly from: number;
  /** The first layer after it. */
  readonly to: number;
  /** 0 is frozen. */
  readonly multiplier: number;
}

const WIDTH = 320;
const HEAD_WIDTH = 26;
const GAP = 4;
const BAR = { top: 11, height: 15 } as const;
const NORMS = { top: 29, height: 5 } as const;
/** Narrower stretches have no words in them, in units of the drawing. */
const ROOM_FOR_WORDS = 44;

/** The multiplier of each layer, 0 where frozen; a layer without weights goes with the one before it. */
function multipliersOf(layers: readonly LayerTreatment[]): readonly number[] {
  const own = ({ trainable, lrMultiplier }: LayerTreatment): number => (trainable ? lrMultiplier : 0);
  const first = layers.find(({ params }) => params > 0);
  let last = first === undefined ? 0 : own(first);
  return layers.map((layer) => {
    if (layer.params > 0) last = own(layer);
    return last;
  });
}

function stretchesOf(multipliers: readonly number[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (const [index, multiplier] of multipliers.entries()) {
    const last = stretches.at(-1);
    if (last?.multiplier === multiplier) stretches[stretches.length - 1] = { ...last, to: index + 1 };
    else stretches.push({ from: index, to: index + 1, multiplier });
  }
  return stretches;
}

/** How a stretch is drawn: hatched where frozen, lighter where the rate is multiplied by less than one. */
function classOf({ multiplier }: Stretch): string {
  if (multiplier === 0) return "frozen";
  return multiplier < 1 ? "slow" : "trains";
}

function wordOf({ multiplier }: Stretch): string {
  if (multiplier === 0) return "frozen";
  return multiplier === 1 ? "trains" : `trains ×${multiplier}`;
}

function stretchMarkup(stretch: Stretch, xOf: (index: number) => number): Markup {
  const [x, width] = [xOf(stretch.from), xOf(stretch.to) - xOf(stretch.from)];
  const word = wordOf(stretch);
  const label =
    width < Math.max(ROOM_FOR_WORDS, word.length * 6)
      ? null
      : html`<text class="in-${classOf(stretch)}" x="${(x + width / 2).toFixed(1)}" y="22.5" text-anchor="middle">${word}</text>`;
  return html`<rect class="${classOf(stretch)}" x="${x.toFixed(2)}" y="${BAR.top}" width="${width.toFixed(2)}" height="${BAR.height}"/>${label}`;
}

/** Where the head begins: after the base's pooling. */
function headStart(layers: readonly LayerTreatment[]): number {
  const pooling = layers.findIndex(({ type }) => type === "GlobalAveragePooling2D");
  return pooling < 0 ? layers.length : pooling + 1;
}

function stretchText(layers: readonly LayerTreatment[], stretch: Stretch): string {
  const first = layers[stretch.from]?.name ?? "";
  const last = layers[stretch.to - 1]?.name ?? "";
  const range = stretch.to - stretch.from === 1 ? first : `${first} to ${last}`;
  const how =
    stretch.multiplier === 0 || stretch.multiplier === 1 ? "" : ` at ${stretch.multiplier} of the learning rate`;
  return `${range} ${stretch.multiplier === 0 ? "frozen" : "trains"}${how}`;
}

/** The strip in words: which layers are frozen, which train, and what batch normalizations do. */
export function stripText({ layers }: PhaseSummary): string {
  const norms = layers.filter(({ batchNormMode }) => batchNormMode !== null);
  const batchStats = norms.filter(({ batchNormMode }) => batchNormMode === "batch-stats").length;
  const parts = stretchesOf(multipliersOf(layers)).map((stretch) => stretchText(layers, stretch));
  return (
    `From image to classes: ${list(parts)}. Of ${norms.length} batch normalizations ${batchStats} use batch statistics, ` +
    `${norms.length - batchStats} run in inference mode.`
  );
}

/** The network from image to classes, a column a layer: what is frozen, what trains, and below it what each normalization does. */
export function networkStrip(phase: PhaseSummary): Markup {
  const { layers } = phase;
  const head = headStart(layers);
  const baseWidth = WIDTH - HEAD_WIDTH - GAP;
  const xOf = (index: number): number => (index / head) * baseWidth;
  const headOf = (index: number): number =>
    baseWidth + GAP + ((index - head) / Math.max(1, layers.length - head)) * HEAD_WIDTH;
  const multipliers = multipliersOf(layers);
  const base = stretchesOf(multipliers.slice(0, head));
  const top = stretchesOf(multipliers.slice(head)).map((stretch) => ({
    ...stretch,
    from: stretch.from + head,
    to: stretch.to + head,
  }));
  const norms = layers.map(({ batchNormMode }, index) =>
    batchNormMode === null
      ? null
      : html`<rect class="${batchNormMode === "inference" ? "bn-still" : "bn-live"}" x="${(xOf(index) + 0.1).toFixed(2)}" y="${NORMS.top}" width="2.6" height="${NORMS.height}"/>`,
  );
  const turns = base
    .filter(({ from }) => from > 0)
    .map(({ from }) => html`<path class="turn" d="M${xOf(from).toFixed(2)} 8V35"/>`);
  return html`<svg class="strip" viewBox="0 0 ${WIDTH} 36" role="img" aria-label="${stripText(phase)}">
<text class="end" x="0" y="8">image →</text><text class="end" x="${WIDTH}" y="8" text-anchor="end">→ head</text>
${base.map((stretch) => stretchMarkup(stretch, xOf))}${top.map((stretch) => stretchMarkup(stretch, headOf))}${norms}${turns}</svg>`;
}

/** A phase's strip with its words. */
function phaseMarkup(phase: PhaseSummary, isOnly: boolean): Markup {
  const { frozen, trains, batchNorm } = trainingWords(phase);
  const [, names = trains] = trains.split("trains ");
  const total = phase.layers.reduce((sum, { params }) => sum + params, 0);
  const share = (100 * phase.trainable.params) / total;
  const heading = isOnly ? null : html`<p class="phase">Phase “${phase.name}”, ${phase.epochs} epochs</p>`;
  return html`${heading}${networkStrip(phase)}<p class="what"><b>trains ${names}</b>; ${frozen}</p>
<p class="what soft">${countText(phase.trainable.params)} of ${countText(total)} weights (${share < 1 ? share.toFixed(1) : share.toFixed(0)} %)</p><p class="what soft">${batchNorm}</p>`;
}

/** What trains in a run, a strip a phase. */
export function trainingMarkup({ phases }: Pick<Result, "phases">): Markup {
  return html`${phases.map((phase) => phaseMarkup(phase, phases.length === 1))}`;
}

/** The hatching of frozen layers, once a page, and what the strip's signs mean. */
export function stripLegend(): Markup {
  return html`<svg width="0" height="0" aria-hidden="true" class="defs"><defs>
<pattern id="ice" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="4" height="4" class="ice-ground"/><rect width="1.2" height="4" class="ice-line"/></pattern></defs></svg>
<ul class="legend">
<li><svg viewBox="0 0 22 12" aria-hidden="true"><rect class="frozen" width="22" height="12"/></svg>frozen: keeps its pretrained weights</li>
<li><svg viewBox="0 0 22 12" aria-hidden="true"><rect class="trains" width="22" height="12"/></svg>trains</li>
<li><svg viewBox="0 0 22 12" aria-hidden="true"><rect class="slow" width="22" height="12"/></svg>trains, its learning rate multiplied by less than 1</li>
<li><svg viewBox="0 0 22 12" aria-hidden="true"><rect class="bn-live" x="4" y="3" width="4" height="7"/><rect class="bn-still" x="13" y="3" width="4" height="7"/></svg>batch normalization: batch statistics (filled), inference mode (hollow)</li>
</ul>`;
}
