// Writes data/shoes.csv and data/shoes.json from the labelled manifest, and checks the photos where they are at hand:
//   node scripts/build-shoes-manifest.mjs MANIFEST.csv [FOLDER]
// MANIFEST has the columns class, image, sender_id, sha256; FOLDER holds <class>/<image>.jpg.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";

const SOURCE = {
  repository: "alexeygrigorev/clothing-dataset",
  commit: "7ed86a9cc56763b6acb35e41cb35184e43a5d218",
  path: "images/<image>.jpg",
  licence: "CC0-1.0",
  note:
    'The photos of class "Shoes" that show one of six types of shoe. The types were labelled by eye from thumbnails; an ' +
    "estimated 5 to 8 labels are borderline. sender_id, from the repository's images.csv, is the contributor: split by it.",
};
const COLUMNS = ["class", "image", "sender_id", "sha256"];
const out = fileURLToPath(new URL("../data/", import.meta.url));

const [manifest, folder] = process.argv.slice(2);
if (manifest === undefined) throw new Error("usage: build-shoes-manifest.mjs MANIFEST.csv [FOLDER]");
const rows = parse(readFileSync(manifest), { columns: true });
for (const [index, row] of rows.entries()) {
  const where = `${manifest}, line ${index + 2}`;
  if (COLUMNS.join() !== Object.keys(row).join()) throw new Error(`${where}: expected the columns ${COLUMNS}`);
  if (!/^[0-9a-f]{64}$/.test(row.sha256)) throw new Error(`${where}: no SHA-256`);
  if (!/^[\w-]+$/.test(row.class) || !/^[\w-]+$/.test(row.image)) throw new Error(`${where}: odd class or image`);
  if (folder === undefined) continue;
  const photo = join(folder, row.class, `${row.image}.jpg`);
  const found = createHash("sha256").update(readFileSync(photo)).digest("hex");
  if (found !== row.sha256) throw new Error(`${photo}: SHA-256 ${found}, expected ${row.sha256}`);
}
const key = (row) => `${row.class}/${row.image}`;
rows.sort((first, second) => (key(first) < key(second) ? -1 : 1));
const lines = rows.map((row) => COLUMNS.map((column) => row[column]).join());
writeFileSync(join(out, "shoes.csv"), `${[COLUMNS.join(), ...lines].join("\n")}\n`);
const classes = [...new Set(rows.map((row) => row.class))];
writeFileSync(join(out, "shoes.json"), `${JSON.stringify({ ...SOURCE, classes, count: rows.length }, null, 2)}\n`);
process.stdout.write(
  `${rows.length} photos in ${classes.length} classes${folder === undefined ? "" : ", every hash checked"}\n`,
);
