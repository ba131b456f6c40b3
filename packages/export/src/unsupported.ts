import { ThawError } from "@thaw/core";

/** The error for an operation that a format's table does not have. */
export function unsupported(format: string, layer: string, what: string): ThawError {
  return new ThawError("export-unsupported", `The ${format} exporter cannot write ${what} (layer "${layer}").`, {
    hint: "Choose other formats with --to, or add the operation to the exporter's table in packages/export.",
    details: { format, layer },
  });
}
