import type { Config, TopLevelSpec } from "vega-lite";
import { html, type Markup, trusted } from "./markup.ts";

/** Colours are the style sheet's, so that a plot follows the theme. */
const CONFIG: Config = {
  background: "transparent",
  aria: false, // the plot as a whole has a text
  font: "inherit",
  view: { stroke: null },
  axis: {
    labelColor: "var(--soft)",
    titleColor: "var(--soft)",
    domainColor: "var(--line)",
    tickColor: "var(--line)",
    gridColor: "var(--hair)",
    labelFontSize: 10.5,
    titleFontSize: 11,
    titleFontWeight: "normal",
    titlePadding: 8,
    tickSize: 4,
    labelPadding: 4,
  },
  legend: {
    labelColor: "var(--ink)",
    titleColor: "var(--soft)",
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: "normal",
    symbolSize: 60,
    symbolStrokeWidth: 1.75,
  },
  header: { labelColor: "var(--ink)", titleColor: "var(--soft)", labelFontSize: 11, titleFontSize: 11 },
  text: { color: "var(--ink)", fontSize: 11 },
};

/** What the page's policy forbids (styles), and what only the library reads; the plot as a whole has its role and its text. */
const LIBRARYS_OWN = / (?:style|class|role|aria-[a-z]+|font-family)="[^"]*"/g;

/** Colours of series, told apart without colour by the shapes beside them. */
export const SERIES: readonly string[] = [1, 2, 3, 4, 5, 6, 7, 8].map((index) => `var(--s${index})`);
export const SHAPES = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "triangle-down",
  "wedge",
  "arrow",
] as const;

/**
 * Draws a plot as SVG.
 * @param text what it shows, for those who do not see it
 */
export async function plotMarkup(spec: TopLevelSpec, text: string): Promise<Markup> {
  // Half a second to load: for reports alone, not for every command.
  const [{ parse, View }, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
  const view = new View(parse(compile(spec, { config: CONFIG }).spec), { renderer: "none" });
  try {
    const svg = await view.toSVG();
    return html`<div class="plot" role="img" aria-label="${text}">${trusted(svg.replace(LIBRARYS_OWN, ""))}</div>`;
  } finally {
    view.finalize();
  }
}
