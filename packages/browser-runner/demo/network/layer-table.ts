import type { LayerTreatment, Network } from "@thaw/core";
import { element } from "../page/element.ts";

function stateOf({ trainable, params }: LayerTreatment): string {
  if (params === 0) return "has no weights";
  return trainable ? "trains" : "frozen";
}

function modeOf({ batchNormMode }: LayerTreatment): string {
  if (batchNormMode === null) return "";
  return batchNormMode === "inference" ? "moving statistics" : "each batch's statistics";
}

/** Lists every layer with what happens to it: the drawing in words and numbers. */
export function fillLayerTable(table: HTMLTableElement, network: Network, treatments: readonly LayerTreatment[]): void {
  const rows = network.layers.map((layer, index) => {
    const treatment = treatments[index];
    if (treatment === undefined) return "";
    const cells = [
      layer.op.type,
      layer.outputShape.join(" × "),
      treatment.params.toLocaleString("en"),
      stateOf(treatment),
      modeOf(treatment),
    ];
    return element(
      "tr",
      {},
      element("td", {}, String(index)),
      element("th", { scope: "row" }, layer.name),
      ...cells.map((text) => element("td", {}, text)),
    );
  });
  const names = ["#", "layer", "type", "output", "weights", "in training", "normalises by"];
  const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
  table.tBodies[0]?.replaceChildren(...rows);
  table.tHead?.replaceChildren(head);
}
