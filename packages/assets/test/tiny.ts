import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type Layer, type NamedTensors, parseSafetensors, ThawError, tableBuilder } from "@thaw/core";

const FIXTURES = fileURLToPath(new URL("./fixtures/weights", import.meta.url));

/** The network of scripts/make_weight_fixtures.py. */
export function tinyLayers(): readonly Layer[] {
  const table = tableBuilder();
  const norm = (name: string, input: string): string => table.batchNorm(name, input, 1e-3, 0.999);
  let x = table.input("input_layer", [8, 8, 3]);
  x = table.conv2d("Conv1", x, 4, { kernelSize: 3, strides: 2, padding: "same" });
  const shortcut = table.relu("Conv1_relu", norm("bn_Conv1", x), 6);
  x = table.conv2d("block_1_expand", shortcut, 8, { kernelSize: 1, strides: 1, padding: "same" });
  x = table.relu("block_1_expand_relu", norm("block_1_expand_BN", x), 6);
  x = table.depthwiseConv2d("block_1_depthwise", x, { kernelSize: 3, strides: 1, padding: "same" });
  x = table.relu("block_1_depthwise_relu", norm("block_1_depthwise_BN", x), 6);
  x = table.conv2d("block_1_project", x, 4, { kernelSize: 1, strides: 1, padding: "same" });
  table.add("block_1_add", shortcut, norm("block_1_project_BN", x));
  return table.layers;
}

/** What the manifest says of one fixture. */
export interface FixtureFile {
  readonly format?: string;
}

/** Every fixture, unpacked into a temporary folder that goes after the tests. */
export async function unpackFixtures(): Promise<{
  readonly folder: string;
  readonly files: Readonly<Record<string, FixtureFile>>;
  readonly reference: NamedTensors;
}> {
  const folder = await temporaryFolder();
  const { files } = JSON.parse(await readFile(join(FIXTURES, "manifest.json"), "utf8")) as {
    files: Record<string, FixtureFile>;
  };
  for (const entry of await readdir(FIXTURES, { recursive: true })) {
    if (!entry.endsWith(".gz")) continue;
    const target = join(folder, entry.slice(0, -3));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, gunzipSync(await readFile(join(FIXTURES, entry))));
  }
  const reference = parseSafetensors(await readFile(join(folder, "reference.safetensors")), "reference");
  return { folder, files, reference };
}

/** A folder that is removed after the file's tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "thaw-test-"));
  return folder;
}

/** The ThawError that a promise or function ends in; anything else fails the test. */
