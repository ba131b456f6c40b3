import { type SchemaNode, specJsonSchema, sweepJsonSchema, ThawError } from "@thaw/core";
import { schemaReference } from "@thaw/report";

/** Options of `thaw schema`. */
export interface SchemaCommandOptions {
  readonly markdown: boolean;
}

const SCHEMAS = {
  spec: {
    schema: specJsonSchema,
    heading: "Spec reference",
    introduction:
      'One experiment, in strict JSON: an unknown field is an error that names the nearest known one. Made by `thaw schema spec --markdown`; `thaw schema spec` prints the JSON Schema, which an editor checks by with `"$schema"`.',
  },
  sweep: {
    schema: sweepJsonSchema,
    heading: "Sweep reference",
    introduction:
      "A grid of experiments around one base, `experiment`, which is a [spec](spec-reference.md). Made by `thaw schema sweep --markdown`.",
  },
} as const;

/** `thaw schema`: for editors, for checking specs without Thaw, and for reading. */
export function schemaCommand(kind: string, { markdown }: SchemaCommandOptions): void {
  if (kind !== "spec" && kind !== "sweep") {
    throw new ThawError("option-invalid", `There is no schema "${kind}".`, {
      hint: "Use: thaw schema spec, or thaw schema sweep",
    });
  }
  const { schema, heading, introduction } = SCHEMAS[kind];
  const specPage = { schema: specJsonSchema() as SchemaNode, file: "spec-reference.md" };
  const text = markdown
    ? schemaReference(schema() as SchemaNode, heading, introduction, kind === "spec" ? undefined : specPage)
    : `${JSON.stringify(schema(), null, 2)}\n`;
  process.stdout.write(text);
}
