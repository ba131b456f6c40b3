import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { ThawError } from "@thaw/core";

/** The page's files in memory, by their path in the address: what is not here does not exist. */
export type PageFiles = ReadonlyMap<string, { readonly bytes: Buffer; readonly type: string }>;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  wasm: "application/wasm",
};

async function readPage(folder: string): Promise<PageFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.map(async (file) => {
    const type = TYPES[file.slice(file.lastIndexOf(".") + 1)] ?? "application/octet-stream";
    return [relative(folder, file).split(sep).join("/"), { bytes: await readFile(file), type }] as const;
  });
  return new Map(await Promise.all(pairs));
}

let files: Promise<PageFiles> | undefined;

/**
 * The bundled page. Run from source (tests), it is bundled anew once a process.
 * @throws ThawError `page-missing`
 */
export function pageFiles(): Promise<PageFiles> {
  files ??= (async () => {
    if (import.meta.url.endsWith(".ts")) {
      const { bundlePage } = await import("./bundle-page.ts");
      return await bundlePage((folder) => readPage(folder));
    }
    const folder = fileURLToPath(new URL("./page", import.meta.url));
    return await readPage(folder).catch((error: unknown) => {
      const message = `The page's bundle is not in ${folder}.`;
      throw new ThawError("page-missing", message, { hint: "Run `npm run setup`, which builds it.", cause: error });
    });
  })();
  return files;
}
