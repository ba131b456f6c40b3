import { describe, expect, it } from "vitest";
import { jsonLine, printable } from "../src/printable.ts";

describe("names from outside", () => {
  it.each([
    ["plain name", "plain name"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;title\u0007shoe", "shoe"],
    ["a\r\nb\tc\u0008", "abc"],
    ["\u009b2Jgone", "gone"],
    ["left\u202eright\u2066", "leftright"],
    ["été 靴 👟", "été 靴 👟"],
    ["lone \ud800", "lone "],
  ])("%j is shown as %j", (name, shown) => {
    expect(printable(name)).toBe(shown);
  });

  it("stay whole in JSON, where nothing is left that a terminal obeys", () => {
    const name = "\u001b[31m\u009b2J\u202e\u007f靴\n";
    const line = jsonLine({ file: name });
    expect(JSON.parse(line)).toEqual({ file: name });
    expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
  });
});
