import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SchemaNode, specJsonSchema, sweepJsonSchema } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { ROOT, textOf } from "./pages.ts";
import { type } from "./reader.ts";

function branches(node: SchemaNode): readonly SchemaNode[] {
  return [node, ...[...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap(branches)];
}

/** Paths of fields that say nothing of themselves; a field with one value only says what it is by it. */
function undescribed(node: SchemaNode, path = ""): string[] {
  return branches(node).flatMap((branch) => [
    ...Object.entries(branch.properties ?? {}).flatMap(([name, child]) => [
      ...([child, child.items ?? {}]
        .flatMap(branches)
        .some((form) => form.description !== undefined || form.const !== undefined)
        ? []
        : [`${path}${name}`]),
      ...undescribed(child, `${path}${name}.`),
    ]),
    ...(branch.items === undefined ? [] : undescribed(branch.items, path)),
  ]);
}

describe("the references", () => {
  it("of spec and sweep are what the schema says", async () => {
    for (const kind of ["spec", "sweep"]) {
      const { output } = await type(`thaw schema ${kind} --markdown`, ROOT);
      expect(textOf(`docs/${kind}-reference.md`)).toBe(output);
    }
  });

  it("say something of every field", () => {
    expect(undescribed(specJsonSchema() as SchemaNode)).toEqual([]);
    expect(undescribed(sweepJsonSchema() as SchemaNode)).toEqual([]);
  });

  it("of the code are made without a warning, and have what a runner needs", () => {
    const out = mkdtempSync(join(tmpdir(), "thaw-api-"));
    const typedoc = join(ROOT, "docs/node_modules/typedoc/bin/typedoc");
    const options = ["--options", join(ROOT, "docs/typedoc.json"), "--out", out, "--treatWarningsAsErrors"];
    execFileSync(process.execPath, [typedoc, ...options], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const page = readFileSync(join(out, "interfaces/_thaw_core.Runner.html"), "utf8");
    expect(page).toContain("Runs plans on one backend");
    rmSync(out, { recursive: true });
  });
});
