import { beforeAll, describe, expect, it } from "vitest";
import { commandsOf, PAGES, textOf } from "./pages.ts";
import { readersFolder, type } from "./reader.ts";

const NEEDS_PHOTOS = process.env.THAW_ASSETS === undefined;

for (const page of PAGES) {
  const commands = commandsOf(textOf(page));
  if (commands.length === 0) continue;
  describe(page, () => {
    let folder = "";
    beforeAll(() => {
      folder = readersFolder(page);
    });

    for (const { line, at, notRun, exitCodes } of commands) {
      const title = `line ${at}: ${line.replace(/\s+#.*$/, "").trim()}`;
      if (notRun !== undefined) it.skip(`${title} (${notRun})`, () => undefined);
      else if (NEEDS_PHOTOS && line.includes("photos")) it.skip(`${title} (no THAW_ASSETS)`, () => undefined);
      else {
        it(title, async () => {
          const { code, output } = await type(line, folder);
          expect(exitCodes, output).toContain(code);
        });
      }
    }
  });
}

describe("commands of a page", () => {
  it("are the lines of its sh blocks, with what is said above them", () => {
    const text = [
      "```sh",
      "npx thaw doctor   # what is there",
      "```",
      "```",
      "output, no command",
      "```",
      "<!-- not run: takes an hour -->",
      "```sh",
      "thaw long",
      "```",
      "<!-- exit codes: 0, 1 -->",
      "<!-- line not run: slow; another page runs it -->",
      "```sh",
      "thaw compare",
      "thaw slow",
      "```",
    ].join("\n");
    expect(commandsOf(text)).toEqual([
      { line: "npx thaw doctor   # what is there", at: 2, notRun: undefined, exitCodes: [0] },
      { line: "thaw long", at: 9, notRun: "takes an hour", exitCodes: [0] },
      { line: "thaw compare", at: 14, notRun: undefined, exitCodes: [0, 1] },
      { line: "thaw slow", at: 15, notRun: "another page runs it", exitCodes: [0, 1] },
    ]);
  });

  it("leave no thaw command in a block that is not run", () => {
    const missed = PAGES.flatMap((page) => {
      const known = commandsOf(textOf(page)).map(({ at }) => at);
      return textOf(page)
        .split("\n")
        .flatMap((line, index) =>
          /^(npx thaw|thaw|npm (run|start|test)) /.test(line) && !known.includes(index + 1)
            ? [`${page}:${index + 1}: ${line}`]
            : [],
        );
    });
    expect(missed).toEqual([]);
  });
});
