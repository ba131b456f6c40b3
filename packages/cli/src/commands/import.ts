import { basename } from "node:path";
import { type KerasConfig, readKerasConfig, readWeights, selectWeights } from "@thaw/assets";
import { buildNetwork, printable, ThawError, writeImportedModel } from "@thaw/core";
import { type ImportPlan, planImport } from "@thaw/export";
import { readSpecFile } from "../spec-file.ts";
import { VERSION } from "../version.ts";
import { writeWholeFile } from "../whole-file.ts";

/** Options of `thaw import`. */
export interface ImportCommandOptions {
  readonly out: string;
  readonly classes: string;
  readonly resize: string;
  readonly spec?: string;
}

const RESIZE = ["stretch", "crop", "pad"] as const;

function classNames(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.length >= 2 && names.every((name) => name !== "") && new Set(names).size === names.length) return names;
  throw new ThawError("option-invalid", `--classes ${text}: expected at least two different names.`, {
    hint: "Give the names in the order of the model's outputs, such as --classes boots,sandals,sneakers.",
  });
}

/** What the model is, by its own configuration, or by a spec where it has weights alone. */
async function planOf(
  file: string,
  config: KerasConfig | null,
  classCount: number,
  specPath: string | undefined,
): Promise<ImportPlan> {
  if (specPath !== undefined) {
    const spec = await readSpecFile(specPath);
    if (spec.kind === "sweep") throw new ThawError("spec-invalid", `${specPath} is a sweep, not one experiment.`);
    return { model: spec.spec.model, leftOut: [`its network is taken from ${basename(specPath)}`], ignore: [] };
  }
  if (config !== null) return planImport(config.model, basename(file), classCount);
  throw new ThawError("import-unsupported", `${basename(file)} holds weights alone: it does not say of what network.`, {
    hint: "Say it with --spec SPEC.json, whose model is then taken; or save the whole model with model.save('name.keras').",
  });
}

/** `thaw import FILE --out MODEL --classes …`: a whole Keras model as a saved model, without a run behind it. */
export async function importCommand(file: string, options: ImportCommandOptions): Promise<void> {
  const classes = classNames(options.classes);
  const resize = RESIZE.find((rule) => rule === options.resize);
  if (resize === undefined) {
    throw new ThawError("option-invalid", `--resize ${options.resize}: there is no such rule.`, {
      hint: `Use ${RESIZE.join(", ")}.`,
    });
  }
  const { model, leftOut, ignore } = await planOf(file, await readKerasConfig(file), classes.length, options.spec);
  const { layers } = buildNetwork(model, classes.length);
  const { tensors, format, sha256 } = await readWeights(file, layers);
  const weights = selectWeights(tensors, layers, { where: basename(file), ignore });
  const bytes = await writeImportedModel(
    {
      thawVersion: VERSION,
      finishedAt: new Date().toISOString(),
      imported: { file: basename(file), sha256, format, leftOut },
      spec: { model, data: { resize } },
      data: { classes },
    },
    weights,
  );
  await writeWholeFile(options.out, bytes, {
    earlier: "refuse",
    refusal: "models are never overwritten",
    takenHint: "Choose another file for --out.",
    hint: "Check the folder's rights and the free space.",
  });
  const { architecture, alpha, imageSize, head } = model;
  process.stdout.write(
    `${architecture} ${alpha}, ${imageSize} px, head "${printable(head.name)}" of ${classes.length} classes\n`,
  );
  for (const line of leftOut) process.stdout.write(`not taken over: ${printable(line)}\n`);
  process.stdout.write(`Model: ${options.out}\n`);
}
