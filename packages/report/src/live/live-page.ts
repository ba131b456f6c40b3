import { html, htmlText } from "../page/markup.ts";
import { documentText, styleHash, themeChoice } from "../page/page-frame.ts";
import { PAGE_STYLE } from "../page/page-style.ts";
import { liveTable } from "./live-table.ts";

/** What only the live page has. */
const LIVE_STYLE = `${PAGE_STYLE}
.status{position:sticky;bottom:0;background:var(--panel);border-top:1px solid var(--line);margin-top:26px}
.status p{max-width:1360px;margin:0 auto;padding:8px 24px;display:flex;gap:24px;justify-content:space-between;flex-wrap:wrap}
.state{display:block;font-size:13px;min-width:150px;font-variant-numeric:tabular-nums}
.state.queued,.state.cancelled{color:var(--soft)}.state.failed{color:var(--bad)}.state.running{font-weight:600}.state.done{color:var(--good)}
progress{display:block;width:150px;height:6px;margin-top:6px;accent-color:var(--warm)}
button{font:inherit;font-size:13px;padding:3px 10px;border:1px solid var(--line);border-radius:5px;background:var(--paper);color:var(--ink);cursor:pointer}
button[aria-disabled=true]{color:var(--soft);cursor:default}
.results .c-speed,.results thead .l7{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.c-machine{min-width:105px}.c-train,.c-validation{min-width:82px}.c-validation .sub{white-space:nowrap}
.results td:empty::before{content:none}
.c-accuracy,.c-loss{min-width:164px;height:104px}
`;

/** A live page: its document, and the policy that goes with it. */
export interface LivePage {
  readonly text: string;
  /** Of the header `Content-Security-Policy`. */
  readonly policy: string;
}

/**
 * The page that watches a sweep; `live.js`, `events` and `cells/ID/cancel` lie beside it.
 * @param title what the sweep is called
 */
export async function livePage(title: string, thawVersion: string): Promise<LivePage> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    `style-src '${await styleHash(LIVE_STYLE)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  const header = html`<div class="bar"><h1>${title}</h1>${themeChoice()}</div><div id="report-head"><p>A sweep while it runs. Closing this page does not stop it.</p></div>`;
  const status = html`<footer class="status"><p><span id="progress" role="status">Waiting for the sweep</span><span id="connection" role="status" class="soft">Connecting.</span></p></footer><script src="live.js"></script>`;
  const text = documentText({ title, thawVersion, style: LIVE_STYLE, header, main: liveTable(), after: status });
  return { text: htmlText(text), policy };
}
