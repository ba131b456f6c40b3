// Builds data/fashion-shoes.{png,json} and its licence from Debian's package `dataset-fashion-mnist`:
//   node scripts/build-fashion-shoes.mjs [FOLDER]
// FOLDER holds the unpacked package (`dpkg -x`); without it the package is fetched with `apt-get download` into a temporary
// folder (run `apt-get update` first). The same package gives the same pixels; the JSON keeps their hash.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import sharp from "sharp";

const PACKAGE = "dataset-fashion-mnist";
const VERSION = "0.0~git20200523.55506a9-1";
const CLASSES = [
  { name: "sandal", label: 5 },
  { name: "sneaker", label: 7 },
  { name: "ankle_boot", label: 9 },
];
/** The first so many images of each class, in the order of the original file. */
const SPLITS = [
  { name: "train", file: "train", perClass: 400 },
  { name: "test", file: "t10k", perClass: 80 },
];
const SIDE = 28;
const COLUMNS = 40;
const out = fileURLToPath(new URL("../data/", import.meta.url));

/** Reads an idx file of bytes after checking its magic number. */
function readIdx(path, rank) {
  const bytes = gunzipSync(readFileSync(path));
  if (bytes.readUInt32BE(0) !== 0x0800 + rank) throw new Error(`${path}: not an idx file of bytes of rank ${rank}`);
  return bytes.subarray(4 + 4 * rank);
}

function unpackedPackage() {
  const folder = mkdtempSync(join(tmpdir(), "fashion-mnist-"));
  execFileSync("apt-get", ["download", `${PACKAGE}=${VERSION}`], { cwd: folder, stdio: "inherit" });
  const [archive] = readdirSync(folder).filter((name) => name.endsWith(".deb"));
  execFileSync("dpkg", ["-x", join(folder, archive), folder]);
  return folder;
}

function chooseImages(folder) {
  return SPLITS.flatMap(({ name, file, perClass }) => {
    const data = join(folder, "usr/share/datasets/fashion-mnist");
    const images = readIdx(join(data, `${file}-images-idx3-ubyte.gz`), 3);
    const labels = readIdx(join(data, `${file}-labels-idx1-ubyte.gz`), 1);
    const taken = CLASSES.map(() => 0);
    const chosen = [];
    for (const [index, original] of labels.entries()) {
      const label = CLASSES.findIndex((entry) => entry.label === original);
      if (label < 0 || taken[label] === perClass) continue;
      taken[label] += 1;
      const pixels = images.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE);
      chosen.push({ id: `${name}/${String(index).padStart(5, "0")}`, label, pixels });
    }
    return chosen;
  });
}

/** Lays the images out in rows, left to right; returns uint8 [rows * 28, 40 * 28]. */
function spriteSheet(images) {
  const width = COLUMNS * SIDE;
  const height = Math.ceil(images.length / COLUMNS) * SIDE;
  const sheet = Buffer.alloc(width * height);
  for (const [index, { pixels }] of images.entries()) {
    const left = (index % COLUMNS) * SIDE;
    const top = Math.floor(index / COLUMNS) * SIDE;
    for (let row = 0; row < SIDE; row += 1)
      sheet.set(pixels.subarray(row * SIDE, (row + 1) * SIDE), (top + row) * width + left);
  }
  return { sheet, width, height };
}

const given = process.argv[2];
const folder = given ?? unpackedPackage();
const images = chooseImages(folder);
const { sheet, width, height } = spriteSheet(images);
const png = await sharp(sheet, { raw: { width, height, channels: 1 } })
  .toColourspace("b-w")
  .png({ compressionLevel: 9, effort: 10, adaptiveFiltering: true })
  .toBuffer();
const manifest = {
  source: "https://github.com/zalandoresearch/fashion-mnist",
  package: `${PACKAGE} ${VERSION} (Debian)`,
  licence: "Expat (MIT), Copyright 2017 Zalando SE; see fashion-shoes.LICENSE.txt",
  classes: CLASSES.map(({ name }) => name),
  originalLabels: CLASSES.map(({ label }) => label),
  side: SIDE,
  columns: COLUMNS,
  pixelsSha256: createHash("sha256").update(sheet).digest("hex"),
  ids: images.map(({ id }) => id),
  labels: images.map(({ label }) => label),
};
writeFileSync(join(out, "fashion-shoes.png"), png);
writeFileSync(join(out, "fashion-shoes.json"), `${JSON.stringify(manifest)}\n`);
writeFileSync(
  join(out, "fashion-shoes.LICENSE.txt"),
  readFileSync(join(folder, "usr/share/doc", PACKAGE, "copyright")),
);
if (given === undefined) rmSync(folder, { recursive: true });
process.stdout.write(`${images.length} images, ${png.byteLength} bytes of PNG, ${width} x ${height} pixels\n`);
