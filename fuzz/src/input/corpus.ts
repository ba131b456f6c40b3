import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

/** A real file that is to be damaged. */
export interface CorpusFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Offsets at which the format keeps lengths, types or signatures. */
  readonly marks: readonly number[];
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const WEIGHTS = join(ROOT, "packages/assets/test/fixtures/weights");

/** Signatures of HDF5's structures (with the messages of old object headers, which have none) and of zip's records. */
const SIGNATURES = [
  "TREE",
  "HEAP",
  "SNOD",
  "GCOL",
  "OHDR",
  "FRHP",
  "\x89HDF",
  "PK\x01\x02",
  "PK\x03\x04",
  "PK\x05\x06",
];

function offsetsOf(bytes: Buffer, signature: string): readonly number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(signature, 0, "latin1"); at >= 0; at = bytes.indexOf(signature, at + 1, "latin1")) {
    found.push(at);
  }
  return found;
}

/** Old object headers: version 1, a zero, few messages, one reference. */
function objectHeaders(bytes: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at + 12 <= bytes.length; at += 8) {
    const isHeader = bytes[at] === 1 && bytes[at + 1] === 0 && bytes[at + 3] === 0 && bytes.readUInt32LE(at + 4) === 1;
    if (isHeader && (bytes[at + 2] ?? 0) > 0) found.push(at, at + 16, at + 40, at + 64);
  }
  return found;
}

/** A file of a corpus with its marks. */
export function corpusFile(name: string, content: Uint8Array): CorpusFile {
  const bytes = Buffer.from(content);
  const signatures = SIGNATURES.flatMap((signature) => offsetsOf(bytes, signature));
  const marks = /h5$|keras$/.test(name) ? [...signatures, ...objectHeaders(bytes)] : signatures;
  return { name, bytes: Uint8Array.from(bytes), marks };
}

/** Weight files that six versions of Keras and tfjs wrote, whose names end so. */
export function weightFiles(ending: string): readonly CorpusFile[] {
  const names = readdirSync(WEIGHTS, { recursive: true }).map(String);
  return names
    .filter((name) => name.endsWith(`${ending}.gz`))
    .sort()
    .map((name) => corpusFile(name.slice(0, -3), gunzipSync(readFileSync(join(WEIGHTS, name)))));
}

/** A file of the repository as parsed JSON. */
export function repositoryJson(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8"));
}

/** Documents of a folder of the repository, below it too. */
export function repositoryDocuments(folder: string): readonly { readonly name: string; readonly document: unknown }[] {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => ({ name: basename(name), document: repositoryJson(join(folder, name)) }));
}
