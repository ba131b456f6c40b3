import {
  type Document,
  FORMATS,
  type Format,
  isDocument,
  parseResult,
  parseSpec,
  parseSweep,
  resultShape,
  specSchema,
  sweepSchema,
} from "@thaw/core";
import type { z } from "zod";
import { benchReport } from "../bench/bench-report.ts";
import { rangeTestShape } from "../find-lr/range-record.ts";
import { manifestShape, tableShape } from "../grid/grid-files.ts";
import { parityReportShape } from "../parity/report-shape.ts";

/** A kind of JSON file of Thaw's. */
export interface FileKind {
  readonly format: Format;
  /** What lies in a file of today. */
  readonly shape: z.ZodType;
  /** Whether a document means to be of this kind, by the fields that it has had in every version. */
  is(document: Document): boolean;
  /** Checks a document of today's version. @throws Error where it is none */
  check(document: unknown, where: string): void;
}

function kind(
  format: Format,
  shape: z.ZodType,
  is: FileKind["is"],
  check: FileKind["check"] = (document) => void shape.parse(document),
): FileKind {
  return { format, shape, is, check };
}

/** Every kind of JSON file that Thaw writes and reads again. */
export const FILE_KINDS: readonly FileKind[] = [
  kind(FORMATS.benchReport, benchReport, (document) => document.kind === "bench"),
  kind(FORMATS.rangeTest, rangeTestShape, (document) => document.kind === "find-lr"),
  kind(
    FORMATS.sweep,
    sweepSchema,
    (document) => "experiment" in document && "groups" in document,
    (document, where) => parseSweep(document, { where }),
  ),
  kind(FORMATS.shardManifest, manifestShape, (document) => "grid" in document && "shard" in document),
  kind(FORMATS.gridTable, tableShape, (document) => "sweep" in document && Array.isArray(document.cells)),
  kind(FORMATS.parityReport, parityReportShape, (document) => "divergences" in document && "depths" in document),
  kind(FORMATS.result, resultShape, (document) => "planHash" in document && "predictions" in document, parseResult),
  kind(
    FORMATS.spec,
    specSchema,
    ({ version, name, data }) => version !== undefined && name !== undefined && isDocument(data) && "kind" in data,
    (document, where) => parseSpec(document, { where }),
  ),
];

/** What kind of file a document is; undefined where it is none of Thaw's. */
export function kindOf(document: unknown): FileKind | undefined {
  return isDocument(document) ? FILE_KINDS.find((kind) => kind.is(document)) : undefined;
}
