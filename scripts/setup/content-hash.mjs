import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

/**
 * @param {string} folder
 * @param {(name: string) => boolean} [enter] which folders to go into
 * @returns {string[]} every file below, sorted, absolute
 */
export function filesBelow(folder, enter = () => true) {
  if (!existsSync(folder)) return [];
  /** @type {string[]} */
  const files = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (enter(entry.name)) files.push(...filesBelow(path, enter));
    } else files.push(path);
  }
  return files.sort();
}

/**
 * @param {string} root
 * @param {readonly string[]} files absolute; one that is missing counts as missing
 * @param {readonly string[]} [also] other text that the hash depends on
 * @returns {string} sha256 over names and contents, hex
 */
export function hashOfFiles(root, files, also = []) {
  const hash = createHash("sha256");
  for (const text of also) hash.update(`${text}\0`);
  for (const file of files) {
    hash.update(`${relative(root, file).split(sep).join("/")}\0`);
    hash.update(existsSync(file) ? readFileSync(file) : "missing");
    hash.update("\0");
  }
  return hash.digest("hex");
}

/**
 * @param {string} path
 * @returns {Promise<string>} sha256 of a file of any size, hex
 */
export async function sha256OfFile(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part.
 * @param {string} path
 * @param {string} text
 */
export function writeAtomically(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.tmp-${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/**
 * @param {string} path
 * @returns {any} the parsed JSON, undefined where it is missing or broken
 */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
