import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { PAGES, ROOT, textOf } from "./pages.ts";

const ALL = [...PAGES, "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

/** A heading's anchor as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .replace(/[`*]/g, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, "")
    .replaceAll(" ", "-");
}

function anchorsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

describe("links between pages", () => {
  for (const page of ALL) {
    it(`of ${page} lead somewhere`, () => {
      const dead = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
        if (/^(https?|mailto):/.test(link)) return [];
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? page : normalize(join(dirname(page), path));
        if (!existsSync(join(ROOT, target))) return [link];
        if (anchor === undefined || statSync(join(ROOT, target)).isDirectory()) return [];
        return anchorsOf(target).includes(anchor) ? [] : [link];
      });
      expect(dead).toEqual([]);
    });
  }
});

describe("the threat table", () => {
  it("names tests that are there", () => {
    const named = [...textOf("SECURITY.md").matchAll(/`([a-z-]+\/test\/[a-z-]+)`/g)].map(([, path = ""]) => path);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(join(ROOT, "packages", `${path}.test.ts`)))).toEqual([]);
  });
});
