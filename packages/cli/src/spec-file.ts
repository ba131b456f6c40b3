import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { checkGroups, parseSpec, parseSweep, type Spec, type SpecOrigin, type Sweep, ThawError } from "@thaw/core";
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";

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

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new ThawError(
      "spec-unreadable",
      `${file}: ${missing ? "there is no such file" : (cause as Error).message}.`,
      {
        hint: "Give the path of a spec, such as benchmarks/specs/default.json.",
        cause,
      },
    );
  }
}

/**
 * Reads a spec or a sweep (it has `groups`) from a JSON file.
 * @throws ThawError `spec-unreadable`, `spec-invalid` with file, line and field
 */
export async function readSpecFile(file: string): Promise<SpecFile> {
  const text = (await readText(file)).replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const [error] = errors;
  if (root === undefined || error !== undefined) {
    const offset = error?.offset ?? 0;
    const what = error === undefined ? "the file is empty" : `no valid JSON (${printParseErrorCode(error.error)})`;
    throw new ThawError("spec-invalid", `${file}:${lineAt(text, offset)}: ${what}.`, {
      hint: "A spec is strict JSON: double quotes, no comments, no comma after the last item.",
    });
  }
  const document: unknown = getNodeValue(root);
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
