import { type SchemaNode, specJsonSchema, sweepJsonSchema } from "@thaw/core";
import { describe, expect, it } from "vitest";
import { schemaReference } from "../src/schema-reference.ts";

const SPEC = specJsonSchema() as SchemaNode;
const spec = schemaReference(SPEC, "Spec reference", "One experiment.");
const sweep = schemaReference(sweepJsonSchema() as SchemaNode, "Sweep reference", "A grid.", {
  schema: SPEC,
  file: "spec-reference.md",
});

/** Anchors of a page's headings, as GitHub makes them: letters, digits, spaces and hyphens stay. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^## (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

/** Every field name that stands anywhere in a schema. */
function fieldNames(node: SchemaNode): string[] {
  const below = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.items === undefined ? [] : [node.items])];
  return [
    ...Object.entries(node.properties ?? {}).flatMap(([name, child]) => [name, ...fieldNames(child)]),
    ...below.flatMap(fieldNames),
  ];
}

describe("the reference of a schema", () => {
  it("has every field, with what it accepts and its default", () => {
    for (const name of fieldNames(SPEC)) expect(spec).toContain(`| \`${name}\` |`);
    expect(spec).toContain("| `imageSize` | integer ≥ 32, ≤ 1024 | `160` | Side of the square input, pixels |");
    expect(spec).toContain("| `name` | text | required |");
    expect(spec).toContain("| `horizontalFlip` | true or false | `false` |");
    expect(spec).toMatch(/\| `values` \| list of 2 or more: number > 0 \| required \|/);
  });

  it("tells the forms of a union apart by what makes them so", () => {
    expect(spec).toContain('## data, kind: "folder"');
    expect(spec).toContain("## freeze[], with lrMultiplier");
    expect(spec).toMatch(/\| `data` \| \[kind: "tensors"\]\(#data-kind-tensors\) or /);
  });

  it("links to headings that are there, and describes no object twice", () => {
    const anchors = anchorsOf(spec);
    expect(new Set(anchors).size).toBe(anchors.length);
    const links = [...spec.matchAll(/\]\(#([^)]*)\)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((link) => !anchors.includes(link ?? ""))).toEqual([]);
  });

  it("leaves to another page what that page has", () => {
    expect(sweep).toContain("| `experiment` | [object](spec-reference.md) | required |");
    expect(anchorsOf(sweep)).toEqual(["groups", "groupsvary", "groupscells"]);
    const links = [...sweep.matchAll(/\]\(spec-reference\.md#([^)]*)\)/g)].map(([, link]) => link ?? "");
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !anchorsOf(spec).includes(link))).toEqual([]);
  });

  it("says nothing in Markdown or HTML that the schema did not mean so", () => {
    const text = schemaReference(
      { type: "object", properties: { a: { type: "string", description: "<b> | *x*" } } },
      "T",
      "i",
    );
    expect(text).toContain("| `a` | text |  | &lt;b&gt; \\| \\*x\\* |");
  });
});
