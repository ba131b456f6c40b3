import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** Bundles the page with Vite: relative addresses, because the server puts a token before them. */
export async function buildPage(outDir: string): Promise<void> {
  await build({
    configFile: false,
    root: fileURLToPath(new URL("./page", import.meta.url)),
    base: "./",
    logLevel: "warn",
    resolve: { conditions: ["source", "browser", "module", "import", "default"] },
    build: {
      // tfjs-backend-wasm hands the source text of a function to its workers: renamed, it misses what it refers to.
      minify: false,
      outDir,
      emptyOutDir: true,
      target: "es2023",
      sourcemap: false,
      chunkSizeWarningLimit: 4000,
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
    },
  });
}

/** Bundles into a temporary folder that lives as long as `use`. */
export async function bundlePage<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "thaw-page-"));
  try {
    await buildPage(folder);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
