import type { ImportRecord, RunRecord, SavedModel } from "@thaw/core";
import { sizeOf } from "@thaw/core";
import type { ExportedNetwork } from "../exported-network.ts";
import { code, plain, table } from "./markdown.ts";
import { circumstances, metrics, whatTrained } from "./training.ts";

/** A file that the card lists. */
export interface CardFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly about: string;
}

/** What a card says beside what the model's record says. */
export interface CardContext {
  readonly network: ExportedNetwork;
  readonly files: readonly CardFile[];
  /** File name of the saved model. */
  readonly from: string;
  readonly thawVersion: string;
  readonly date: Date;
}

function inputsAndOutputs({ record }: SavedModel, { inputShape, input, classes }: ExportedNetwork): string {
  const { data } = record.spec;
  const resize = "resize" in data ? data.resize : undefined;
  const square =
    resize === undefined
      ? "It was trained on tensors of this very size."
      : `Photos were made square by ${code(resize)}, turned upright by their EXIF tag, transparency laid over white, scaled bilinearly with antialiasing.`;
  return [
    `- In: float32 [batch, ${inputShape.join(", ")}], rows, columns, ${input.colours}; values ${input.range.join("…")}: ${input.fromPixels}. ${input.scaling}`,
    `- ${square}`,
    `- Out: float32 [batch, ${classes.length}], softmax probabilities in the order of the classes: ${classes.map(plain).join(", ")}.`,
  ].join("\n");
}

function trained(record: RunRecord): string[] {
  const { data, spec, specHash, planHash, weights, thawVersion } = record;
  const decoding = Object.entries(data.decoding).map(([key, value]) => `${plain(key)}: ${plain(String(value))}`);
  return [
    "## Data",
    `${plain(data.source)}: ${data.images} images in ${data.classes.length} classes. ${data.train} trained, ${data.validation} chose and watched (validation), ${data.test} were kept for the test. The split is by ${code(spec.split.by)}: ${spec.split.validation} for validation, ${spec.split.test} for the test, seed ${spec.seed}.`,
    decoding.length === 0 ? "Images came as tensors." : `Decoded by ${decoding.join("; ")}.`,
    "## Metrics",
    metrics(record),
    "## What trained",
    whatTrained(record),
    "## Training",
    `${circumstances(record)}\n- started from the weights ${code(weights.source)}; trained by Thaw ${plain(thawVersion)}`,
    "## Hashes",
    table(
      ["of", "SHA-256"],
      [
        ["spec", code(specHash)],
        ["plan (spec, data, weights, split)", code(planHash)],
        ["weights it started from", weights.sha256 === null ? "none: drawn by the seed" : code(weights.sha256)],
        ["final weights (safetensors, no record)", code(record.digests.final)],
      ],
    ),
    "## Use and limits",
    limitsOf(record),
  ];
}

function limitsOf({ data, spec }: RunRecord): string {
  const small = data.train < 1000 ? `It learnt from ${data.train} images, which is few. ` : "";
  const test =
    data.test === 0 ? "Nothing was kept for a test: the validation figures were looked at while training." : "";
  return `Made to tell the classes above apart in photos like those it was trained on. It names one of them for any picture, of whatever it is; a probability says how one class compares with the others, not how likely it is that any of them is right. ${small}Its figures come from one seed (${spec.seed}) and one split: another seed gives others. ${test} Whoever uses it should test it on photos of their own, look at each class by itself, and not use it where a wrong answer does harm.`;
}

function imported({ imported: { file, sha256, format, leftOut }, digests, thawVersion }: ImportRecord): string[] {
  const without = leftOut.length === 0 ? "" : `\n\nNot taken over: ${leftOut.map(plain).join("; ")}.`;
  return [
    "## Where it comes from",
    `Imported by Thaw ${plain(thawVersion)} from ${code(file)} (${plain(format)}, SHA-256 ${code(sha256)}). No run of Thaw stands behind it: what it was trained on, and how well it does, is not known here.${without}`,
    "## Hashes",
    table(["of", "SHA-256"], [["weights (safetensors, no record)", code(digests.final)]]),
    "## Use and limits",
    "Test it on photos of your own before you use it: nothing is known here of its data or its accuracy.",
  ];
}

/** Writes the model card: what the model is, and what is known of how it came to be. Names no photo. */
export function modelCard(model: SavedModel, { network, files, from, thawVersion, date }: CardContext): string {
  const { record } = model;
  const { architecture, alpha, imageSize, head } = record.spec.model;
  const parameters = network.layers.reduce(
    (sum, layer) => sum + layer.weights.reduce((own, { shape }) => own + sizeOf(shape), 0),
    0,
  );
  const title = "imported" in record ? network.name : record.spec.name;
  const dropout = head.dropout > 0 ? `, dropout of ${head.dropout}` : "";
  return `${[
    `# ${plain(title)}`,
    `An image classifier: ${architecture} (width ${alpha}, ${imageSize} × ${imageSize} pixels), average pooling${dropout}, and a dense layer ${code(head.name)} of ${network.classes.length} classes; ${parameters} weights. Exported on ${date.toISOString().slice(0, 10)} by Thaw ${plain(thawVersion)} from ${code(from)}.`,
    "## Inputs and outputs",
    inputsAndOutputs(model, network),
    "## Files",
    table(
      ["file", "bytes", "SHA-256", "read by"],
      files.map(({ path, bytes, sha256, about }) => [code(path), String(bytes), code(sha256), about]),
    ),
    ...("imported" in record ? imported(record) : trained(record)),
  ].join("\n\n")}\n`;
}
