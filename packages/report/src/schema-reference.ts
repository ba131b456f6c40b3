import { canonicalJson, type SchemaNode } from "@thaw/core";
import { code, markdownTable, plain } from "./markdown-table.ts";

/** An object of the schema under the path by which a person finds it: `model.head`, `phases[]`. */
interface Section {
  readonly path: string;
  /** What tells this form of an object from others at the same path. */
  readonly form: string;
  readonly node: SchemaNode;
  /** File of another page that has it; empty for this one. */
  readonly page: string;
}

/** A schema with a page of its own, where objects that it has are described. */
export interface OtherPage {
  readonly schema: SchemaNode;
  readonly file: string;
}

const LARGEST = Number.MAX_SAFE_INTEGER;

function alternatives(node: SchemaNode): readonly SchemaNode[] {
  const parts = [...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  return parts.length === 0 ? [node] : parts.flatMap(alternatives);
}

/** Fields that have one value only tell an object's form: `kind: "folder"`. */
function formOf(node: SchemaNode, siblings: readonly SchemaNode[]): string {
  const objects = siblings.filter(({ properties }) => properties !== undefined);
  if (objects.length < 2) return "";
  const fixed = Object.entries(node.properties ?? {}).find(([, { const: value }]) => value !== undefined);
  if (fixed !== undefined) return `${fixed[0]}: ${JSON.stringify(fixed[1].const)}`;
  const own = Object.keys(node.properties ?? {}).find((key) =>
    objects.every((other) => other === node || !Object.hasOwn(other.properties ?? {}, key)),
  );
  return own === undefined ? "" : `with ${own}`;
}

function title({ path, form }: Pick<Section, "path" | "form">): string {
  return form === "" ? path : `${path}, ${form}`;
}

/** The anchor that a Markdown viewer gives to a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9_ -]/g, "")
    .replace(/ /g, "-");
}

function targetOf(section: Section): string {
  const heading = title(section);
  return heading === "" ? section.page : `${section.page}#${anchor(heading)}`;
}

/** Collects the objects below a node, each once, in the order of the document. */
function collect(node: SchemaNode, path: string, sections: Section[], page = ""): void {
  const forms = alternatives(node);
  for (const form of forms) {
    if (form.items !== undefined) collect(form.items, `${path}[]`, sections, page);
    if (form.properties === undefined) continue;
    const section = { path, form: formOf(form, forms), node: form, page };
    if (sectionOf(form, sections) !== undefined) continue;
    sections.push(section);
    for (const [name, child] of Object.entries(form.properties)) {
      collect(child, path === "" ? name : `${path}.${name}`, sections, page);
    }
  }
}

function fieldsOf({ properties }: SchemaNode): string {
  return canonicalJson(properties ?? {});
}

function sectionOf(node: SchemaNode, sections: readonly Section[]): Section | undefined {
  return sections.find((section) => fieldsOf(section.node) === fieldsOf(node));
}

function rangeOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: SchemaNode): string {
  const upper = maximum === LARGEST ? undefined : maximum;
  return [
    minimum === undefined ? "" : ` ≥ ${minimum}`,
    exclusiveMinimum === undefined ? "" : ` > ${exclusiveMinimum}`,
    upper === undefined ? "" : ` ≤ ${upper}`,
    exclusiveMaximum === undefined ? "" : ` < ${exclusiveMaximum}`,
  ]
    .filter((part) => part !== "")
    .join(",");
}

function typeOf(node: SchemaNode, siblings: readonly SchemaNode[], sections: readonly Section[]): string {
  if (node.const !== undefined) return code(JSON.stringify(node.const));
  if (node.enum !== undefined) return node.enum.map((value) => code(JSON.stringify(value))).join(", ");
  if (node.items !== undefined) {
    return `list of ${node.minItems === undefined ? "" : `${node.minItems} or more: `}${formsOf(node.items, sections)}`;
  }
  if (node.properties !== undefined) {
    const section = sectionOf(node, sections);
    const target = section === undefined ? "" : targetOf(section);
    const form = formOf(node, siblings);
    return target === "" ? "object" : `[${form === "" ? "object" : plain(form)}](${target})`;
  }
  const words: Readonly<Record<string, string>> = { boolean: "true or false", string: "text" };
  return `${words[node.type ?? ""] ?? node.type ?? "any"}${rangeOf(node)}`;
}

function formsOf(node: SchemaNode, sections: readonly Section[]): string {
  const forms = alternatives(node);
  return [...new Set(forms.map((form) => typeOf(form, forms, sections)))].join(" or ");
}

function standard(node: SchemaNode, required: boolean): string {
  if (required) return "required";
  const { default: value } = node;
  if (value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value))) return "";
  return code(JSON.stringify(value));
}

/** What a field says of itself, or a list of its items. */
function described(node: SchemaNode): string {
  const forms = [...alternatives(node), ...(node.items === undefined ? [] : [node.items, ...alternatives(node.items)])];
  return [node, ...forms].find(({ description }) => description !== undefined)?.description ?? "";
}

function sectionText(section: Section, sections: readonly Section[]): string {
  const { node } = section;
  const rows = Object.entries(node.properties ?? {}).map(([name, child]) => [
    code(name),
    formsOf(child, sections),
    standard(child, node.required?.includes(name) === true),
    plain(described(child)),
  ]);
  const table = markdownTable(["field", "accepts", "without it", "what it is"], rows);
  const heading = title(section);
  return heading === "" ? table : `## ${heading}\n\n${table}`;
}

/**
 * A JSON Schema of a document as a Markdown page: a table of fields for each object in it.
 * @param heading of the page
 * @param introduction a paragraph of Markdown
 * @param other objects that this page's schema has, too, are described there
 */
export function schemaReference(schema: SchemaNode, heading: string, introduction: string, other?: OtherPage): string {
  const sections: Section[] = [];
  if (other !== undefined) collect(other.schema, "", sections, other.file);
  collect(schema, "", sections);
  const parts = sections.filter(({ page }) => page === "").map((section) => sectionText(section, sections));
  return `# ${heading}\n\n${introduction}\n\n${parts.join("\n\n")}\n`;
}
