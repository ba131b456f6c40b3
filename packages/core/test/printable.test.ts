import { describe, expect, it } from "vitest";
import { printable, printableJson } from "../src/printable.ts";

describe("a foreign text made printable", () => {
  it.each([
    ["an escape sequence", "\u001b[31mred\u001b[0m", "\\u001b[31mred\\u001b[0m"],
    ["a C1 sequence and a bell", "\u009b2J\u0007", "\\u009b2J\\u0007"],
    ["line ends and a tab", "a\nb\r\tc\u2028", "a\\nb\\r\\tc\\u2028"],
    ["a turned reading direction", "photo\u202egpj.exe", "photo\\u202egpj.exe"],
    ["invisible characters", "a\u200bb\ufeff\u{e0041}", "a\\u200bb\\ufeff\\udb40\\udc41"],
    ["half a character", "a\ud83d", "a\\ud83d"],
  ])("shows %s", (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it.each(["Zehen Ä ö", "سابو", "חדש", "日本語 👟", "👩‍🦰", "می‌خواهم", `"quoted" & <b>`, "C:\\shoes"])(
    "leaves %s alone",
    (text) => {
      expect(printable(text)).toBe(text);
    },
  );

  it("stays whole in JSON, where nothing is left that a terminal obeys", () => {
    const names = ["\u001b[31m\u009b2J\u202e\u007f靴\n", "\\\u009b", "\u{e0041}\ud800", "\u2028"];
    const line = printableJson({ names });
    expect(JSON.parse(line)).toEqual({ names });
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028]/u);
  });
});
