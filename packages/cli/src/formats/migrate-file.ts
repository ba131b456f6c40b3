import { FORMATS, parseJson, readSavedModel, savedModelVersion, upgraded, upgradedModel, versionOf } from "@thaw/core";
import { kindOf } from "./file-kinds.ts";

/** What became of a file. */
export interface Migrated {
  /** As messages call it; null for a file that is none of Thaw's, or that no version binds. */
  readonly format: string | null;
  readonly from: number | null;
  readonly to: number | null;
  /** The file of today's version; null where the old one is that already. */
  readonly content: string | Uint8Array | null;
}

const FOREIGN: Migrated = { format: null, from: null, to: null, content: null };

function migratedJson(text: string, where: string): Migrated {
  let document: unknown;
  try {
    document = parseJson(text);
  } catch {
    return FOREIGN; // a report of a test, half a file of somebody's: nothing that Thaw wrote, for that is whole
  }
  const kind = kindOf(document);
  if (kind === undefined) return FOREIGN;
  const { format } = kind;
  const current = upgraded(format, document, where);
  kind.check(current, where);
  const isNew = current !== document;
  return {
    format: format.name,
    from: versionOf(document) ?? null,
    to: format.version,
    content: isNew ? `${JSON.stringify(current, null, 1)}\n` : null,
  };
}

async function migratedModel(bytes: Uint8Array, where: string): Promise<Migrated> {
  const from = savedModelVersion(bytes, where);
  if (from === undefined) return FOREIGN; // weights alone
  const content = upgradedModel(bytes, where);
  await readSavedModel(content ?? bytes, where);
  return { format: FORMATS.savedModel.name, from, to: FORMATS.savedModel.version, content };
}

/**
 * Makes a file of today's version of an older one, and checks it as who reads it would.
 * @param where what messages call it
 * @throws Error where it is one of Thaw's and cannot be read: damaged, or of a later Thaw
 */
export async function migratedFile(bytes: Uint8Array, where: string): Promise<Migrated> {
  if (where.endsWith(".safetensors")) return await migratedModel(bytes, where);
  return where.endsWith(".json") ? migratedJson(new TextDecoder().decode(bytes), where) : FOREIGN;
}
