import { html, type Markup } from "./markup.ts";

/**
 * What the lines of a row's curves are, as items of a list.
 * @param cut which losses are drawn at the top edge: `above 3.6`
 */
export function curveLegend(cut: string): Markup {
  return html`<li><svg viewBox="0 0 26 12" aria-hidden="true"><path class="k-val" d="M0 6H26"/></svg>validation</li>
<li><svg viewBox="0 0 26 12" aria-hidden="true"><path class="k-train" d="M0 6H26"/></svg>training (mean over the epoch, while weights move)</li>
<li><svg viewBox="0 0 26 12" aria-hidden="true"><path class="k-chance" d="M0 6H26"/></svg>guessing: always the commonest class; in the loss, all classes alike</li>
<li>loss ${cut} is drawn at the top edge</li>`;
}
