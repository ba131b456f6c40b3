import { basename, join } from "node:path";
import { exportModel, parseFormats } from "@thaw/export";
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
  process.stdout.write(
    options.withRescaling
      ? "Pixels of 0…255 go in; probabilities come out.\n"
      : "Values of -1…1 go in, pixel / 127.5 - 1 (--with-rescaling takes pixels as they are); probabilities come out.\n",
  );
}
