import { type Layer, type Network, parameterCount } from "@thaw/core";
import { type LayerGroup, largestFreeze, layerGroups } from "./layer-groups.ts";

const SVG = "http://www.w3.org/2000/svg";
/** Heights of the drawing's parts, pixels. */
const UP = 128;
const DOWN = 64;
const LABELS = 24;
/** Below this width, pixels, not every block has room for its number. */
const NARROW = 560;
/** Space between a bar and the edge of its block. */
const MARGIN = 8;
/** Room on both sides, half a thumb of the slider that lies over the drawing. */
export const SIDE = 11;
/** Room behind the last layer that can be frozen, for the head. */
export const HEAD = 40;
/** The whole drawing's height. */
export const DRAWING_HEIGHT: number = UP + DOWN + LABELS;

function shape<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** Side of a layer's output, pixels; 1 behind the pooling. */
function sideOf({ outputShape }: Layer): number {
  return outputShape.length === 3 ? (outputShape[0] ?? 1) : 1;
}

/** A network as bars: up the weights of a layer, down the side of its output. */
export interface NetworkDrawing {
  readonly svg: SVGSVGElement;
  /** Colours what is frozen: the first layers, so many. */
  show(count: number): void;
}

/** A layer's bars on a field that joins those of its block. */
function layerShape(
  { weights, side }: { readonly weights: number; readonly side: number },
  x: number,
  width: number,
): SVGGElement {
  const made = shape("g", { class: "layer" });
  const inset = Math.min(0.75, width / 6);
  const place = { x: x + inset, width: Math.max(width - 2 * inset, 0.5) };
  const up = weights === 0 ? 0 : 2 + (UP - MARGIN - 2) * weights;
  const down = Math.max(1.5, (DOWN - MARGIN) * side);
  made.append(
    shape("rect", { x, y: 0, width: width + 0.25, height: UP + DOWN, class: "field" }),
    shape("rect", { ...place, y: UP - up, height: up, class: "weights" }),
    shape("rect", { ...place, y: UP + 1, height: down, class: "output" }),
  );
  return made;
}

/** Where there is little room, every third block bears its number. */
function groupLabel({ label, name }: LayerGroup, x: number, isNarrow: boolean): SVGTextElement {
  const text = shape("text", { x, y: UP + DOWN + 17, "text-anchor": "middle", class: "group-label" });
  const fits = name === "head" || (isNarrow ? Number(label) % 3 === 0 : name !== "top");
  text.textContent = fits ? label : "";
  return text;
}

/**
 * Draws a network. Roots of the counts: a network's last layers have thousands of times the weights of its first.
 * @param width pixels
 */
export function drawNetwork(network: Network, width: number): NetworkDrawing {
  const svg = shape("svg", { width, height: DRAWING_HEIGHT, viewBox: `0 0 ${width} ${DRAWING_HEIGHT}` });
  svg.setAttribute("aria-hidden", "true"); // the slider, the sentence and the table say the same in words
  const { layers } = network;
  const slots = largestFreeze(network.base.layers);
  const slot = (width - 2 * SIDE - HEAD) / slots;
  const gap = Math.min(2, slot / 2);
  const most = Math.max(...layers.map(parameterCount));
  const largestSide = Math.max(...layers.map(sideOf));
  const drawn: SVGGElement[] = [];
  for (const group of layerGroups(layers)) {
    const isHead = group.name === "head";
    const last = isHead ? group.to : Math.min(group.to, slots);
    const from = isHead ? width - SIDE - HEAD + 14 : SIDE + group.from * slot;
    const to = isHead ? width - SIDE : SIDE + last * slot - gap;
    const each = (to - from) / (last - group.from);
    for (const [offset, layer] of layers.slice(group.from, last).entries()) {
      const shares = { weights: Math.cbrt(parameterCount(layer) / most), side: Math.sqrt(sideOf(layer) / largestSide) };
      const made = layerShape(shares, from + offset * each, each);
      drawn[group.from + offset] = made;
      svg.append(made);
    }
    svg.append(groupLabel(group, (from + to) / 2, width < NARROW));
  }
  return {
    svg,
    show(count) {
      for (const [index, made] of drawn.entries()) {
        made?.setAttribute("class", `layer ${index < count ? "frozen" : "trains"}`);
      }
    },
  };
}
