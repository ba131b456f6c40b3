import { type SavedModel, sha256 } from "@thaw/core";
import { type CardFile, modelCard } from "./card/model-card.ts";
import { exportedNetwork } from "./exported-network.ts";
import { type FormatName, formatOf } from "./formats.ts";

/** How a model is exported. */
export interface ExportOptions {
  readonly formats: readonly FormatName[];
  /** Whether pixels of 0…255 go in, which a Rescaling in front turns into -1…1. */
  readonly takesPixels: boolean;
  /** File name of the saved model, for the card. */
  readonly from: string;
  /** Of the Thaw that exports. */
  readonly thawVersion: string;
  readonly date: Date;
}

/** The model card's file name. */
const CARD = "MODEL_CARD.md";

/**
 * Turns a saved model into files for others to read: the formats asked for, `classes.json` and a model card.
 * @returns files by path, `/` between the parts; the card last
 * @throws ThawError `export-unsupported`
 */
export async function exportModel(
  model: SavedModel,
  { formats, takesPixels, from, thawVersion, date }: ExportOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const network = exportedNetwork(model, takesPixels);
  const files = new Map<string, Uint8Array>();
  const listed: CardFile[] = [];
  for (const name of formats) {
    const format = formatOf(name);
    let about = format.about(network);
    for (const [path, bytes] of await format.write(network, { thawVersion, date })) {
      files.set(path, bytes);
      listed.push({ path, bytes: bytes.length, sha256: await sha256(bytes), about });
      about = "belongs to the file above";
    }
  }
  const classes = new TextEncoder().encode(`${JSON.stringify(network.classes, null, 2)}\n`);
  files.set("classes.json", classes);
  const about = "class names in the order of the probabilities";
  listed.push({ path: "classes.json", bytes: classes.length, sha256: await sha256(classes), about });
  const card = modelCard(model, { network, files: listed, from, thawVersion, date });
  return files.set(CARD, new TextEncoder().encode(card));
}
