import { describe, expect, it } from "vitest";
import { html, htmlText, nameText, seen, trusted } from "../src/page/markup.ts";

describe("html", () => {
  it("escapes whatever is put in, between tags and in attributes", () => {
    const name = `"><script>alert('1')</script>&amp;`;
    expect(htmlText(html`<b title="${name}">${name}</b>`)).toBe(
      '<b title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;">&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;</b>',
    );
  });

  it("lets markup stand, joins lists and leaves nothing for nothing", () => {
    expect(
      htmlText(html`<ul>${["a", "b"].map((item) => html`<li>${item}</li>`)}</ul>${null}${undefined}${false}${0}`),
    ).toBe("<ul><li>a</li><li>b</li></ul>0");
    expect(htmlText(html`${trusted("<hr>")}`)).toBe("<hr>");
  });

  it("takes no object of a JSON file for markup", () => {
    const fromFile = JSON.parse('{"html":"<script>","Symbol(markup)":"<script>"}');
    expect(() => htmlText(html`${fromFile}`)).toThrow();
  });

  it("makes visible what would turn text around or hide it", () => {
    expect(seen("a\u202Eb\u200Fc\u0000d")).toBe("a‹U+202E›b‹U+200F›c‹U+0000›d");
    expect(nameText("two\r\nlines")).toBe("two ⏎ lines");
    expect(nameText("Schnürschuhe 靴 👟")).toBe("Schnürschuhe 靴 👟");
  });
});
