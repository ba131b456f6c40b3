import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type InlineConfig } from "vite";

/** How a page of ours is bundled, wherever it is served from: relative addresses, sources of the packages. */
export function pageConfig(root: string, outDir: string): InlineConfig {
  return {
    configFile: false,
    root,
    base: "./",
    logLevel: "warn",
    resolve: { conditions: ["source", "browser", "module", "import", "default"] },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      sourcemap: false,
      chunkSizeWarningLimit: 4000,
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      rolldownOptions: { checks: { pluginTimings: false } }, // says that a slow machine is slow
    },
  };
}

/** Bundles the page with Vite: the server puts a token before its addresses. */
export async function buildPage(outDir: string): Promise<void> {
  const config = pageConfig(fileURLToPath(new URL("./page", import.meta.url)), outDir);
  // tfjs-backend-wasm hands the source text of a function to its workers: renamed, it misses what it refers to.
  await build({ ...config, build: { ...config.build, minify: false } });
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
