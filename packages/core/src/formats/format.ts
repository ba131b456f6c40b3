import { clipped } from "../clipped.ts";
import { ThawError } from "../error.ts";

/** A JSON object as it lies in a file: nothing is known of its fields. */
export type Document = Readonly<Record<string, unknown>>;

/** Makes a document of one version of an older one: pure, and at ease with fields that are missing or damaged. */
export type UpgradeStep = (document: Document) => Document;

/** A kind of file that Thaw writes, and reads as long as there is Thaw. */
export interface Format<Version extends number = number> {
  /** As messages call it, such as `result`. */
  readonly name: string;
  /** What this Thaw writes. */
  readonly version: Version;
  /** One for each earlier version, oldest first: the first makes version 2 of version 1. */
  readonly steps: readonly UpgradeStep[];
}

/** A JSON object, and no array. */
export function isDocument(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Which version a document says that it is of; undefined where it is none that ever was. */
export function versionOf(document: unknown): number | undefined {
  if (!isDocument(document)) return undefined;
  const { version } = document;
  return Number.isInteger(version) && (version as number) >= 1 ? (version as number) : undefined;
}

/**
 * Makes a document of today's version, step by step. One without a version is returned as it is: its shape is wrong, and
 * who checks it says so.
 * @param document parsed JSON
 * @param where what messages call the file
 * @throws ThawError `version-newer` where a later Thaw wrote it
 */
export function upgraded(format: Format, document: unknown, where: string): unknown {
  const version = versionOf(document);
  if (version === undefined || version === format.version) return document;
  if (version > format.version) {
    const { thawVersion } = document as Document;
    const writer = typeof thawVersion === "string" ? `Thaw ${clipped(thawVersion, 40)}` : "a later Thaw";
    throw new ThawError(
      "version-newer",
      `${where} is a ${format.name} of version ${version}, written by ${writer}; this Thaw reads versions up to ${format.version}.`,
      { hint: "Use a Thaw that is at least as new as the one that wrote it." },
    );
  }
  return format.steps
    .slice(version - 1)
    .reduce((older, step, index) => ({ ...step(older), version: version + index + 1 }), document as Document);
}
