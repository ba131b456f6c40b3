import { type BatchNormPolicy, buildNetwork, type Network, type Spec } from "@thaw/core";
import { byId, element } from "../page/element.ts";
import { type FreezeSummary, freezeSentence, shortCount, summarizeFreeze } from "./freeze-summary.ts";
import { freezeStops, largestFreeze, nearestStop, nextStop } from "./layer-groups.ts";
import { fillLayerTable } from "./layer-table.ts";
import { drawNetwork, HEAD, type NetworkDrawing } from "./network-drawing.ts";

/** The slider over the drawn network. */
export interface FreezeSlider {
  /** Layers that are frozen. */
  count(): number;
  /** Draws another network, or the same under another policy. */
  setNetwork(model: Spec["model"], classCount: number, policy: BatchNormPolicy): void;
}

/** What trains, in short facts. */
function facts(summary: FreezeSummary): readonly (readonly [name: string, value: string])[] {
  const { trainedParams, allParams, trainedTensors, batchStats, inference, stepShare } = summary;
  const modes = [
    ...(batchStats > 0 ? [`${batchStats} by each batch's statistics`] : []),
    ...(inference > 0 ? [`${inference} by moving statistics`] : []),
  ];
  return [
    ["Weights that train", `${shortCount(trainedParams)} of ${shortCount(allParams)}, in ${trainedTensors} tensors`],
    ["Batch normalization", modes.join(", ")],
    ["Work of a step", `${Math.round(stepShare * 100)} % of training everything`],
  ];
}

/** Makes the slider in its place on the page. */
export function freezeSlider(initial: number): FreezeSlider {
  const place = byId("network", HTMLDivElement);
  const range = byId("freeze", HTMLInputElement);
  const fine = byId("freeze-fine", HTMLInputElement);
  const sentence = byId("freeze-sentence", HTMLParagraphElement);
  const list = byId("freeze-facts", HTMLDListElement);
  const table = byId("layer-table", HTMLTableElement);
  let network: Network | undefined;
  let policy: BatchNormPolicy = { frozenBatchNorm: "inference", batchNorm: "keras" };
  let stops: readonly number[] = [];
  let drawing: NetworkDrawing | undefined;
  let chosen = initial;

  function show(): void {
    if (network === undefined) return;
    const summary = summarizeFreeze(network, chosen, policy);
    range.value = String(chosen);
    drawing?.show(chosen);
    sentence.textContent = freezeSentence(summary);
    range.setAttribute("aria-valuetext", freezeSentence(summary));
    list.replaceChildren(
      ...facts(summary).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
    );
    fillLayerTable(table, network, summary.treatments);
  }

  function draw(): void {
    if (network === undefined || place.clientWidth === 0) return;
    drawing?.svg.remove();
    drawing = drawNetwork(network, place.clientWidth);
    range.style.width = `${place.clientWidth - HEAD}px`;
    place.prepend(drawing.svg);
    drawing.show(chosen);
  }

  range.addEventListener("input", () => {
    const asked = Number(range.value);
    chosen = fine.checked ? asked : nearestStop(stops, asked);
    show();
  });
  range.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (fine.checked || step === undefined) return; // the browser's own keys move by single layers
    event.preventDefault();
    chosen = nextStop(stops, chosen, step === 1 ? 1 : -1);
    show();
  });
  fine.addEventListener("change", () => {
    if (!fine.checked) chosen = nearestStop(stops, chosen);
    show();
  });
  new ResizeObserver(draw).observe(place);

  return {
    count: () => chosen,
    setNetwork(model, classCount, given) {
      network = buildNetwork(model, classCount);
      policy = given;
      stops = freezeStops(network.base.layers);
      range.max = String(largestFreeze(network.base.layers));
      draw();
      show();
    },
  };
}
