import { z } from "zod";
import { ARCHITECTURE_NAMES, alphasOf } from "../model/architectures.ts";

const fraction = z.number().min(0).lt(1);
const positive = z.number().positive().finite();
const count = z.number().int().positive();
const path = z.string().min(1);
const identifier = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, "letters, digits, '.', '_' and '-', at most 80 of them");

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
  weights: weightsSource.default("imagenet"),
  head: z
    .strictObject({
      name: identifier.default("head"),
      dropout: fraction.default(0).describe("Dropout rate between pooling and head"),
      weights: path
        .optional()
        .describe("A safetensors file with <name>/kernel and <name>/bias; seeded Glorot uniform without it"),
    })
    .prefault({}),
});

const modelSchema = modelFields.transform(({ alpha, ...model }) => {
  const hasAlpha = alphasOf(model.architecture) !== undefined;
  return { ...model, ...(alpha === undefined && !hasAlpha ? {} : { alpha: alpha ?? 1 }) };
});

const limit = count.optional().describe("Use at most so many images, the same share of each class, chosen by the seed");

const dataSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("tensors"),
    file: path.describe("safetensors with images uint8 [n, h, w, 3] and labels int32 [n]"),
    classes: z.array(z.string().min(1)).min(2),
    limit,
  }),
  z.strictObject({
    kind: z.literal("folder"),
    path: path.describe("A folder with one folder of images a class"),
    resize: z.enum(["stretch", "crop", "pad"]).default("stretch"),
    skipUnreadable: z.boolean().default(false),
    limit,
  }),
  z.strictObject({
    kind: z.literal("builtin"),
    name: z.enum(["shoes", "fashion-shoes"]),
    resize: z.enum(["stretch", "crop", "pad"]).default("stretch"),
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
      "last: the last share in the data's order, as Keras; stratified: of each class; group: whole groups (photographers)",
    ),
});

const learningRateSchema = z.union([
  positive,
  z.discriminatedUnion("schedule", [
    z.strictObject({
      schedule: z.literal("cosine"),
      initial: positive,
      decaySteps: count,
      alpha: z.number().min(0).max(1).default(0).describe("Final rate as a share of the peak"),
      warmupSteps: z
        .number()
        .int()
        .min(0)
        .default(0)
        .describe("Steps from initial to warmupTarget, or from 0 to initial where there is no target"),
      warmupTarget: positive.optional(),
    }),
    z.strictObject({
      schedule: z.literal("exponential"),
      initial: positive,
      decaySteps: count,
      decayRate: positive,
      staircase: z.boolean().default(false),
    }),
    z.strictObject({
      schedule: z.literal("piecewise"),
      boundaries: z.array(z.number().int().min(0)).min(1),
      values: z.array(positive).min(2),
    }),
  ]),
]);

const optimizerSchema = z.discriminatedUnion("name", [
  z.strictObject({
    name: z.literal("adam"),
    learningRate: learningRateSchema.default(1e-3),
    beta1: fraction.default(0.9),
    beta2: fraction.default(0.999),
    epsilon: positive.default(1e-7),
  }),
  z.strictObject({
    name: z.literal("sgd"),
    learningRate: learningRateSchema.default(1e-2),
    momentum: fraction.default(0),
    nesterov: z.boolean().default(false),
  }),
  z.strictObject({
    name: z.literal("rmsprop"),
    learningRate: learningRateSchema.default(1e-3),
    rho: fraction.default(0.9),
    momentum: fraction.default(0),
    epsilon: positive.default(1e-7),
    centered: z.boolean().default(false),
  }),
]);

const freezeRule = z.union([
  z.strictObject({
    layers: z.string().min(1).describe("Regular expression over whole layer names"),
    train: z.boolean(),
  }),
  z.strictObject({ layers: z.string().min(1), lrMultiplier: z.number().min(0).max(100) }),
]);

const freezeSchema = z
  .union([z.number().int().min(0), z.string().min(1), z.array(freezeRule).min(1)])
  .describe(
    "Frozen layers from the input (a count), a layer name (frozen up to and without it), or ordered rules, first match wins",
  );

const phaseSchema = z.strictObject({
  name: identifier.optional(),
  epochs: count,
  freeze: freezeSchema.optional(),
  optimizer: optimizerSchema.optional(),
});

const augmentationSchema = z.strictObject({
  horizontalFlip: z.boolean().default(false),
  maxShift: z
    .number()
    .int()
    .min(0)
    .max(256)
    .default(0)
    .describe("Random shift up to so many pixels each way, edges repeated"),
});

const earlyStoppingSchema = z.strictObject({
  monitor: z.enum(["loss", "accuracy", "validationLoss", "validationAccuracy"]).default("validationLoss"),
  patience: z.number().int().min(0).default(0).describe("Epochs without improvement after which training stops"),
  minDelta: z.number().min(0).default(0),
  restoreBestWeights: z.boolean().default(false),
});

/** One experiment: plain JSON, versioned, strict. */
export const specSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  name: identifier,
  model: modelSchema.prefault({}),
  data: dataSchema,
  split: splitSchema.prefault({}),
  freeze: freezeSchema.default(0),
  frozenBatchNorm: z
    .enum(["inference", "batch-stats"])
    .default("inference")
    .describe(
      "What a frozen BatchNormalization does: inference mode as Keras, or batch statistics as stock tfjs-layers",
    ),
  batchNorm: z
    .enum(["keras", "inference-all"])
    .default("keras")
    .describe("keras: trainable BN uses batch statistics; inference-all: every BN of the base in inference mode"),
  optimizer: optimizerSchema.prefault({ name: "adam" }),
  loss: z.literal("sparse_categorical_crossentropy").default("sparse_categorical_crossentropy"),
  batchSize: count.max(4096).default(32),
  epochs: count.max(100_000).default(1),
  phases: z
    .array(phaseSchema)
    .min(1)
    .optional()
    .describe("Training in phases; each takes what it leaves out from the spec"),
  shuffle: z.boolean().default(true),
  seed: z.number().int().min(0).max(0xffffffff).default(0),
  augmentation: augmentationSchema.prefault({}),
  earlyStopping: earlyStoppingSchema.optional(),
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

const sweepCell = z.strictObject({
  label: identifier.optional(),
  freeze: freezeSchema.optional(),
  learningRate: learningRateSchema.optional(),
  epochs: count.optional(),
  batchSize: count.optional(),
  seed: z.number().int().min(0).optional(),
  frozenBatchNorm: z.enum(["inference", "batch-stats"]).optional(),
  batchNorm: z.enum(["keras", "inference-all"]).optional(),
});

const sweepGroup = z.strictObject({
  name: identifier,
  bestOf: identifier
    .optional()
    .describe("Take the freeze policy of the best row (validation accuracy) of this earlier group"),
  vary: z
    .strictObject({
      freeze: z.array(freezeSchema).min(1).optional(),
      learningRate: z.array(learningRateSchema).min(1).optional(),
      epochs: z.array(count).min(1).optional(),
      batchSize: z.array(count).min(1).optional(),
      seed: z.array(z.number().int().min(0)).min(1).optional(),
    })
    .optional()
    .describe("Every combination of these values is a cell"),
  cells: z.array(sweepCell).min(1).optional().describe("Cells one by one"),
});

/** A grid of experiments that share one base spec. */
export const sweepSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  name: identifier,
  experiment: specSchema,
  groups: z.array(sweepGroup).min(1),
});

export type SweepInput = z.input<typeof sweepSchema>;
export type Sweep = z.output<typeof sweepSchema>;
export type SweepCell = z.output<typeof sweepCell>;
