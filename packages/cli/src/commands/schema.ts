import { specJsonSchema, sweepJsonSchema, ThawError } from "@thaw/core";

/** `thaw schema`: for editors and for checking specs without Thaw. */
export function schemaCommand(kind: string): void {
  if (kind !== "spec" && kind !== "sweep") {
    throw new ThawError("option-invalid", `There is no schema "${kind}".`, {
      hint: "Use: thaw schema spec, or thaw schema sweep",
    });
  }
  process.stdout.write(`${JSON.stringify(kind === "spec" ? specJsonSchema() : sweepJsonSchema(), null, 2)}\n`);
}
