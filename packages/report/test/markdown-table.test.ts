import { describe, expect, it } from "vitest";
import { code, markdownTable, plain } from "../src/markdown-table.ts";

const HOSTILE = "\u001b]0;t\u0007a|b\\`<img src=x onerror=1>[x](javascript:1)\u202egnp\u200b\r\nnext ~~_*";

describe("foreign text in a Markdown table", () => {
  it("is plain text, and what is invisible in it shows", () => {
    expect(plain(HOSTILE)).toBe(
      "\\\\u001b\\]0;t\\\\u0007a\\|b\\\\\\`&lt;img src=x onerror=1&gt;\\[x\\](javascript:1)\\\\u202egnp\\\\u200b<br>next \\~\\~\\_\\*",
    );
    expect(code(HOSTILE)).toBe(
      "`\\u001b]0;t\\u0007a\\|b\\'<img src=x onerror=1>[x](javascript:1)\\u202egnp\\u200b next ~~_*`",
    );
  });

  it("leaves a row one line with its cells", () => {
    const table = markdownTable(["a", "b"], [[plain(HOSTILE), code(HOSTILE)]]);
    expect(table.split("\n")).toHaveLength(3);
    expect(table).not.toMatch(/(?!\n)\p{Cc}|\p{Cf}/u);
    expect(table.split("\n")[2]?.match(/(?<!\\)\|/g)).toHaveLength(3);
  });
});
