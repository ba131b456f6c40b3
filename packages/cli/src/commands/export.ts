import { basename, join } from "node:path";
import { exportedNetwork, exportModel, parseFormats } from "@thaw/export";
import { refuseTakenFolder, writeWholeFolder } from "../export/export-folder.ts";
import { readModelFile } from "../saved-model-file.ts";
import { VERSION } from "../version.ts";

/** Options of `thaw export`. */
export interface ExportCommandOptions {
  readonly to: string;
  readonly out: string;
  readonly withRescaling: boolean;
}

/** `thaw export MODEL --to FORMATS --out DIR`: a saved model as others read it, with a model card. */
export async function exportCommand(modelFile: string, options: ExportCommandOptions): Promise<void> {
  const formats = parseFormats(options.to);
  refuseTakenFolder(options.out);
  const model = await readModelFile(modelFile);
  const files = await exportModel(model, {
    formats,
    takesPixels: options.withRescaling,
    from: basename(modelFile),
    thawVersion: VERSION,
    date: new Date(),
  });
  await writeWholeFolder(options.out, files);
  for (const [path, bytes] of files) process.stdout.write(`${join(options.out, path)}  ${bytes.length} bytes\n`);
  const { range, fromPixels, scaling } = exportedNetwork(model, options.withRescaling).input;
  process.stdout.write(`Values of ${range.join("…")} go in: ${fromPixels}. Probabilities come out.\n${scaling}\n`);
}
