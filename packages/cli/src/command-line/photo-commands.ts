import { NEAR_BITS } from "@thaw/assets";
import type { Command } from "commander";
import { type DataCheckOptions, dataCheckCommand } from "../commands/data.ts";
import { type ExportCommandOptions, exportCommand } from "../commands/export.ts";
import { type ImportCommandOptions, importCommand } from "../commands/import.ts";
import { type InitOptions, initCommand } from "../commands/init.ts";
import { type PredictCommandOptions, predictCommand } from "../commands/predict.ts";
import { type ReportCommandOptions, reportCommand } from "../commands/report.ts";
import { collect } from "./shared-options.ts";

/** Registers the commands for one's own photos: before training, and after it. */
export function addPhotoCommands(thaw: Command): void {
  thaw
    .command("data")
    .description("look at your own photos before training on them")
    .command("check")
    .description("count classes, sizes and copies in a folder of photos, and say what is wrong with it")
    .argument("<dir>", "folder with a folder of images for each class")
    .option("--json", "print the report as JSON", false)
    .option("--out <dir>", "folder for data-check.json and contact-sheet.png")
    .option("--contact-sheet <file>", "draw small images of every class, with their names, as PNG")
    .option("--image-size <pixels>", "side of the network's input; smaller images would be enlarged", "160")
    .option("--near <bits>", "how many of 64 bits may differ in near-duplicates", String(NEAR_BITS))
    .option("--strict", "fail where there are warnings (exit code 1)", false)
    .action(async (folder: string, options: DataCheckOptions) => {
      process.exitCode = await dataCheckCommand(folder, options);
    });

  thaw
    .command("init")
    .description("write a spec and a sweep for a folder of photos, with the reason for every default")
    .argument("<dir>", "folder with a folder of images for each class")
    .option("--out <file>", "file for the spec; the sweep and the reasons go beside it (NAME.json without it)")
    .option("--name <name>", "name of the experiment; the folder's without it")
    .option("--image-size <pixels>", "side of the network's input", "160")
    .option("--alpha <width>", "width of MobileNetV2", "1")
    .option("--weights <source>", "imagenet, dogs-160, random, or a file", "imagenet")
    .option("--sweep", "write a sweep, too (the default)", true)
    .option("--no-sweep", "write no sweep")
    .action((folder: string, options: InitOptions) => initCommand(folder, options));

  thaw
    .command("report")
    .description("results as one HTML page that needs no network, and in brief as Markdown")
    .argument("[folders...]", "folders of results; `results` without any")
    .option("--out <file>", "the page", "report.html")
    .option("--parity <file>", "a report of `thaw parity`; the latest in the folder's `parity` without it")
    .option("--bench <file>", "a recording of `thaw bench`")
    .option("--markdown <file>", "append the report in brief as Markdown, e.g. to $GITHUB_STEP_SUMMARY")
    .option("--no-photos", "leave out the photos that were classified worst")
    .option("--title <text>", "title of the page; the names of the sweeps without it")
    .action((folders: string[], options: ReportCommandOptions) => reportCommand(folders, options));

  thaw
    .command("predict")
    .description("say what a saved model sees in photos: the likeliest classes of each")
    .argument("<model>", "saved model, from thaw run --save-model or thaw import")
    .argument("<images...>", "image files, folders, or patterns such as 'photos/*.jpg'")
    .option("--top <count>", "classes to tell of each image", "1")
    .option("--batch <images>", "images computed at once", "32")
    .option("--json", "print a line of JSON an image", false)
    .option("--runner <name>", "runner, or the path of a runner module", "node")
    .option("--resize <rule>", "stretch, crop or pad; as the model was trained without it")
    .option("--set <key=value>", "engine setting, e.g. threads=2; may be repeated", collect, [])
    .option("--require-hardware", "fail rather than run on an emulated GPU", false)
    .action(async (model: string, images: readonly string[], options: PredictCommandOptions) => {
      process.exitCode = await predictCommand(model, images, options);
    });

  thaw
    .command("export")
    .description("write a saved model as others read it (Keras, TensorFlow.js, ONNX, safetensors), with a model card")
    .argument("<model>", "saved model, from thaw run --save-model or thaw import")
    .requiredOption("--to <formats>", "tfjs, keras, onnx, safetensors, separated by commas")
    .requiredOption("--out <dir>", "folder for the files; new or empty")
    .option("--with-rescaling", "put the scaling of pixels into the files: 0…255 goes in", false)
    .action((model: string, options: ExportCommandOptions) => exportCommand(model, options));

  thaw
    .command("import")
    .description("make a saved model of a whole Keras model (.keras, .h5), for predict and export")
    .argument("<file>", "Keras file")
    .requiredOption("--out <file>", "file for the saved model (safetensors)")
    .requiredOption("--classes <names>", "class names in the order of the model's outputs, separated by commas")
    .option("--resize <rule>", "how photos become square for it: stretch, crop or pad", "stretch")
    .option("--spec <file>", "spec whose model it is, for a file with weights alone")
    .action((file: string, options: ImportCommandOptions) => importCommand(file, options));
}
