import type { z } from "zod";
import { clipped } from "../clipped.ts";
import { ThawError } from "../error.ts";
import { upgraded } from "../formats/format.ts";
import { FORMATS } from "../formats/formats.ts";
import { parseSpec } from "../spec/parse.ts";
import { resultShape } from "./record-shapes.ts";
import type { Result } from "./result.ts";

/** Says what is wrong with a document: the first field that is not what it should be. */
export function shapeProblem(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = issue?.path.map(String).join(".") ?? "";
  return `${path === "" ? "the document" : clipped(path)}: ${clipped(issue?.message ?? "unknown")}`;
}

/**
 * Checks the result of a run, field by field, and makes one of today of an older one.
 * @param document parsed JSON
 * @param where what messages call it
 * @throws ThawError `result-unreadable`, `version-newer`, `spec-invalid`
 */
export function parseResult(document: unknown, where: string): Result {
  const current = upgraded(FORMATS.result, document, where);
  const parsed = resultShape.safeParse(current);
  if (!parsed.success) {
    throw new ThawError("result-unreadable", `${where} is no result: ${shapeProblem(parsed.error)}.`, {
      hint: "Results are what `thaw run` and `thaw sweep` write to the folder of --out; a damaged one has to be run again.",
    });
  }
  const result = current as Result;
  return { ...result, spec: parseSpec(result.spec, { where: `${where}, spec` }) };
}
