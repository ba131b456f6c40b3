import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  checkGroups,
  parseJson,
  parseSpec,
  parseSweep,
  type Spec,
  type SpecOrigin,
  type Sweep,
  ThawError,
} from "@thaw/core";
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";

/** A spec or a sweep, read from a file. */
export type SpecFile =
  | { readonly kind: "spec"; readonly spec: Spec; readonly baseDir: string }
  | { readonly kind: "sweep"; readonly sweep: Sweep; readonly baseDir: string };

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** Line of a field, or of the nearest field around it that is there. */
function lineOf(text: string, root: Node, path: readonly (string | number)[]): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node !== undefined) return lineAt(text, (node.parent?.type === "property" ? node.parent : node).offset);
  }
  return undefined;
}

/** A sweep with ten thousand cells written out has a tenth of it. */
const MAX_SPEC_BYTES = 16 * 2 ** 20;
/** The parser that finds the line of an error calls itself at every bracket; JSON.parse does not. */
const MAX_BRACKETS = 1000;

async function readText(file: string): Promise<string> {
  let problem: string;
  try {
    const { size } = await stat(file);
    if (size <= MAX_SPEC_BYTES) return await readFile(file, "utf8");
    problem = `it has ${size} bytes, at most ${MAX_SPEC_BYTES} are read`;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    problem = missing ? "there is no such file" : (cause as Error).message;
  }
  throw new ThawError("spec-unreadable", `${file}: ${problem}.`, {
    hint: "Give the path of a spec, such as benchmarks/specs/default.json.",
  });
}

/** Parses strict JSON. @throws ThawError `spec-invalid` with the line of the first error */
function parseText(text: string, file: string): { readonly root: Node; readonly document: unknown } {
  let reason: string;
  try {
    const document = parseJson(text);
    const root = parseTree(text, [], { disallowComments: true, allowTrailingComma: false });
    if (root !== undefined) return { root, document };
    reason = "the file is empty";
  } catch (error) {
    reason = (error as Error).message;
  }
  const errors: ParseError[] = [];
  if (text.replace(/[^[{]/g, "").length <= MAX_BRACKETS) {
    parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  }
  const [error] = errors;
  const at = error === undefined ? "" : `:${lineAt(text, error.offset)}`;
  const what = error === undefined ? reason : printParseErrorCode(error.error);
  throw new ThawError("spec-invalid", `${file}${at}: no valid JSON (${what}).`, {
    hint: "A spec is strict JSON: double quotes, no comments, no comma after the last item.",
  });
}

/**
 * Reads a spec or a sweep (it has `groups`) from a JSON file.
 * @throws ThawError `spec-unreadable`, `spec-invalid` with file, line and field
 */
export async function readSpecFile(file: string): Promise<SpecFile> {
  const text = (await readText(file)).replace(/^\uFEFF/, "");
  const { root, document } = parseText(text, file);
  const origin: SpecOrigin = {
    where: file,
    lineOf: (path) => lineOf(text, root, path),
  };
  const baseDir = dirname(resolve(file));
  if (typeof document === "object" && document !== null && "groups" in document) {
    const sweep = parseSweep(document, origin);
    checkGroups(sweep);
    return { kind: "sweep", sweep, baseDir };
  }
  return { kind: "spec", spec: parseSpec(document, origin), baseDir };
}
