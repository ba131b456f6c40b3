import { sha256 } from "@thaw/core";
import { html, type Markup, trusted } from "./markup.ts";

/** What a page is made of. */
export interface PageParts {
  readonly title: string;
  readonly thawVersion: string;
  readonly style: string;
  /** A content security policy in the page itself, where no server sends one. */
  readonly policy?: string;
  readonly header: Markup;
  readonly main: Markup;
  /** After the main part. */
  readonly after?: Markup;
}

/** A style sheet's hash as a policy names it: `sha256-…`. */
export async function styleHash(style: string): Promise<string> {
  const hex = await sha256(new TextEncoder().encode(style));
  const bytes = (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  return `sha256-${btoa(String.fromCharCode(...bytes))}`;
}

/** Theme by the system, or by choice; radio buttons, so that it needs no script. */
export function themeChoice(): Markup {
  return html`<fieldset class="theme"><legend class="sr">Theme</legend>${["auto", "light", "dark"].map((name) => html`<input type="radio" name="theme" id="theme-${name}"${name === "auto" ? trusted(" checked") : null}><label for="theme-${name}">${name}</label>`)}</fieldset>`;
}

/** A whole document. */
export function documentText({ title, thawVersion, style, policy, header, main, after }: PageParts): Markup {
  const inPage = policy === undefined ? null : html`<meta http-equiv="Content-Security-Policy" content="${policy}">`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">${inPage}
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="generator" content="Thaw ${thawVersion}">
<title>${title}</title><link rel="icon" href="data:,"><style>${trusted(style)}</style></head>
<body><a class="skip" href="#main">Skip to the results</a><header>${header}</header>
<main id="main" tabindex="-1">${main}</main>${after}</body></html>
`;
}
