import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ThawError } from "@thaw/core";
import { writeAtomically } from "@thaw/runner-kit";
import { build } from "vite";
import { pageConfig } from "../../src/bundle-page.ts";
import { shipExamples } from "./example-photos.ts";
import type { DemoManifest, ShippedWeights } from "./manifest.ts";
import { shipWeights } from "./weight-files.ts";
import type { WeightsOption } from "./weights-option.ts";

/** What a page is built from. */
export interface DemoOptions {
  /** Folder to make; a page that was built there before is replaced. */
  readonly out: string;
  readonly weights: readonly WeightsOption[];
  readonly examples: {
    readonly source: string;
    readonly most: number;
    readonly classes: readonly string[];
    readonly credit: string;
  } | null;
  readonly onNote?: (note: string) => void;
}

/** What was built. */
export interface BuiltDemo {
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
}

const MANIFEST = "manifest.json";

async function measure(folder: string): Promise<BuiltDemo> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return { folder, files: paths.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Keeps a mistyped folder from being emptied. */
async function refuseOther(out: string): Promise<void> {
  const names = await readdir(out).catch((): string[] => []);
  if (names.length === 0 || names.includes(MANIFEST)) return;
  throw new ThawError("option-invalid", `--out ${out} is not empty, and holds no page of this kind.`, {
    hint: "Name a folder that does not exist yet, an empty one, or one that was built before.",
  });
}

/**
 * Builds the page as a folder of static files that any host can serve.
 * @throws ThawError as the asset resolver; `option-invalid`
 */
export async function buildDemo({ out, weights, examples, onNote = () => undefined }: DemoOptions): Promise<BuiltDemo> {
  await refuseOther(out);
  const part = `${out}.${process.pid}.part`;
  try {
    const config = pageConfig(fileURLToPath(new URL("..", import.meta.url)), part);
    await build({ ...config, worker: { format: "es" } });
    const shipped: ShippedWeights[] = [];
    for (const option of weights) shipped.push(await shipWeights(option, join(part, "weights"), onNote));
    const manifest: DemoManifest = {
      weights: shipped,
      examples: examples === null ? null : await shipExamples(examples.source, examples, join(part, "examples")),
    };
    await writeAtomically(join(part, MANIFEST), Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
    await rm(out, { recursive: true, force: true });
    await rename(part, out);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return await measure(out);
}
