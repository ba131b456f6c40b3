import { z } from "zod";
import { FORMATS } from "../formats/formats.ts";
import { ARCHITECTURE_NAMES, alphasOf } from "../model/architectures.ts";
import {
  augmentationSchema,
  batchNormSchema,
  batchSizeSchema,
  count,
  dropoutSchema,
  editorSchema,
  fraction,
  freezeSchema,
  frozenBatchNormSchema,
  identifier,
  nameSchema,
  optimizerSchema,
  phasesSchema,
  seedSchema,
} from "./field-schemas.ts";

const path = z.string().min(1);

/** Where weights come from: `imagenet`, `dogs-160`, `random`, or a file. */
const weightsSource = z.union([
  path,
  z.strictObject({
    file: path.describe("safetensors, Keras .h5, .weights.h5, .keras or tfjs model.json"),
    ignore: z.array(z.string()).default([]).describe("Regular expressions of tensors in the file that are not wanted"),
  }),
]);

/** Width multipliers of any architecture. */
const ALPHAS = [...new Set(ARCHITECTURE_NAMES.flatMap((name) => alphasOf(name) ?? []))].sort((a, b) => a - b);

const modelFields = z.strictObject({
  architecture: z
    .enum(ARCHITECTURE_NAMES)
    .default("MobileNetV2")
    .describe("A network of keras.applications by its name, or keras for the one that config describes"),
  alpha: z.literal(ALPHAS).optional().describe("Width multiplier of the MobileNets, 1 without"),
  config: path
    .optional()
    .describe("Of architecture keras: a functional model's config.json (model.to_json()) or .keras file"),
  preprocessing: z
    .enum(["tf", "caffe", "none"])
    .optional()
    .describe("Of architecture keras: tf for -1 to 1, caffe for BGR less the means, none for 0 to 255"),
  imageSize: z.number().int().min(32).max(1024).default(160).describe("Side of the square input, pixels"),
  pooling: z.literal("avg").default("avg"),
  weights: weightsSource
    .default("imagenet")
    .describe("imagenet, dogs-160, random (from the seed), or a file; a file as an object may leave tensors out"),
  head: z
    .strictObject({
      name: identifier.default("head").describe("Layer name of the classifier"),
      dropout: dropoutSchema.default(0),
      weights: path
        .optional()
        .describe("A safetensors file with <name>/kernel and <name>/bias; seeded Glorot uniform without it"),
    })
    .prefault({})
    .describe("Dropout and the classifier on top of the pooled features"),
});

const modelSchema = modelFields.transform(({ alpha, ...model }) => {
  const hasAlpha = alphasOf(model.architecture) !== undefined;
  return { ...model, ...(alpha === undefined && !hasAlpha ? {} : { alpha: alpha ?? 1 }) };
});

const classes = z.array(z.string().min(1)).min(2).describe("Names of the classes, in the order of the labels");
const resize = z
  .enum(["stretch", "crop", "pad"])
  .default("stretch")
  .describe("How a photo becomes square: distorted, its centre cut out, or with black bars");
const limit = count.optional().describe("Use at most so many images, the same share of each class, chosen by the seed");

const dataSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("tensors"),
    file: path.describe("safetensors with images uint8 [n, h, w, 3] and labels int32 [n]"),
    classes,
    limit,
  }),
  z.strictObject({
    kind: z.literal("folder"),
    path: path.describe("A folder with one folder of images a class"),
    resize,
    skipUnreadable: z
      .boolean()
      .default(false)
      .describe("Leave out what cannot be decoded, with a warning; else such a file is an error"),
    limit,
  }),
  z.strictObject({
    kind: z.literal("builtin"),
    name: z
      .enum(["shoes", "fashion-shoes"])
      .describe("shoes: 346 photos in 6 classes, by photographers; fashion-shoes: embedded images of 28 × 28 pixels"),
    resize,
    limit,
  }),
]);

const splitSchema = z.strictObject({
  validation: fraction.default(0.2).describe("Share of the training data held out (Keras's validation_split)"),
  test: fraction.default(0).describe("Share of all data held out for the test, taken first"),
  by: z
    .enum(["last", "stratified", "group"])
    .default("stratified")
    .describe(
      "last: the last share in the data's order, as Keras; stratified: of each class; group: whole groups (photographers; in a folder the folders inside of classes)",
    ),
});

const earlyStoppingSchema = z.strictObject({
  monitor: z
    .enum(["loss", "accuracy", "validationLoss", "validationAccuracy"])
    .default("validationLoss")
    .describe("The metric that must improve"),
  patience: z.number().int().min(0).default(0).describe("Epochs without improvement after which training stops"),
  minDelta: z.number().min(0).default(0).describe("Least change that counts as an improvement"),
  restoreBestWeights: z.boolean().default(false).describe("Ends with the weights of the best epoch, not of the last"),
});

/** One experiment: plain JSON, versioned, strict. */
export const specSchema = z.strictObject({
  $schema: editorSchema.optional(),
  version: z.literal(FORMATS.spec.version),
  name: nameSchema,
  model: modelSchema.prefault({}).describe("The pretrained network and its new head"),
  data: dataSchema.describe("The labelled images"),
  split: splitSchema.prefault({}).describe("What is held out"),
  freeze: freezeSchema.default(0),
  frozenBatchNorm: frozenBatchNormSchema.default("inference"),
  batchNorm: batchNormSchema.default("keras"),
  optimizer: optimizerSchema.prefault({ name: "adam" }).describe("Keras's optimizers with Keras's defaults"),
  loss: z.literal("sparse_categorical_crossentropy").default("sparse_categorical_crossentropy"),
  batchSize: batchSizeSchema.max(4096).default(32),
  epochs: count.max(100_000).default(1).describe("Passes over the training images; with phases, they say it"),
  phases: phasesSchema.optional().describe("Training in phases; each takes what it leaves out from the spec"),
  shuffle: z.boolean().default(true).describe("A new order of the training images in each epoch"),
  seed: seedSchema.default(0),
  augmentation: augmentationSchema.prefault({}),
  earlyStopping: earlyStoppingSchema.optional().describe("Ends training before its last epoch"),
  stepLimitSeconds: z
    .number()
    .positive()
    .max(86_400)
    .default(600)
    .describe("A run in which nothing moves for so long is stopped; the first step compiles shaders"),
  record: z.enum(["epochs", "steps"]).default("epochs").describe("steps keeps each step's loss in the result"),
});

/** A spec as a person writes it. */
export type SpecInput = z.input<typeof specSchema>;
/** A spec with every default filled in. */
export type Spec = z.output<typeof specSchema>;
export type DataSpec = Spec["data"];
export type SplitSpec = Spec["split"];
export type FreezePolicy = Spec["freeze"];
export type OptimizerSpec = Spec["optimizer"];
export type LearningRateSpec = OptimizerSpec["learningRate"];
export type WeightsSource = Spec["model"]["weights"];
