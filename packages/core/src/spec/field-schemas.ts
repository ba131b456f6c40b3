import { z } from "zod";

export const fraction = z.number().min(0).lt(1);
const positive = z.number().positive().finite();
export const count = z.number().int().positive();
export const identifier = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, "letters, digits, '.', '_' and '-', at most 80 of them");
export const nameSchema = identifier.describe(
  "What results are called by: letters, digits, '.', '_' and '-', at most 80 of them",
);
export const editorSchema = z.string().describe("A JSON Schema for editors; not read by Thaw");
export const batchSizeSchema = count.describe("Images a step");

const initialRate = positive.describe("Rate of the first step");
const decaySteps = count.describe("Steps over which the rate decays");

/** Steps are counted from the phase's start. */
export const learningRateSchema = z
  .union([
    positive,
    z.discriminatedUnion("schedule", [
      z.strictObject({
        schedule: z.literal("cosine"),
        initial: initialRate,
        decaySteps,
        alpha: z.number().min(0).max(1).default(0).describe("Final rate as a share of the peak"),
        warmupSteps: z
          .number()
          .int()
          .min(0)
          .default(0)
          .describe("Steps from initial to warmupTarget, or from 0 to initial where there is no target"),
        warmupTarget: positive.optional().describe("Rate at the end of the warm-up, where the decay starts"),
      }),
      z.strictObject({
        schedule: z.literal("exponential"),
        initial: initialRate,
        decaySteps,
        decayRate: positive.describe("Factor on the rate every decaySteps"),
        staircase: z.boolean().default(false).describe("In jumps every decaySteps, not smoothly"),
      }),
      z.strictObject({
        schedule: z.literal("piecewise"),
        boundaries: z
          .array(z.number().int().min(0))
          .min(1)
          .describe("Steps after which the next value holds, increasing"),
        values: z.array(positive).min(2).describe("Rates, one more than boundaries"),
      }),
    ]),
  ])
  .describe("A rate, or a schedule over the steps of the phase");

const momentum = fraction.default(0).describe("Share of the last update that is added to the next");
const epsilon = positive.default(1e-7).describe("Keeps the division by a small second moment finite");

export const optimizerSchema = z.discriminatedUnion("name", [
  z.strictObject({
    name: z.literal("adam"),
    learningRate: learningRateSchema.default(1e-3),
    beta1: fraction.default(0.9).describe("Decay of the first moment"),
    beta2: fraction.default(0.999).describe("Decay of the second moment"),
    epsilon,
  }),
  z.strictObject({
    name: z.literal("sgd"),
    learningRate: learningRateSchema.default(1e-2),
    momentum,
    nesterov: z.boolean().default(false).describe("Looks ahead by the momentum"),
  }),
  z.strictObject({
    name: z.literal("rmsprop"),
    learningRate: learningRateSchema.default(1e-3),
    rho: fraction.default(0.9).describe("Decay of the squared gradients' mean"),
    momentum,
    epsilon,
    centered: z.boolean().default(false).describe("Divides by the gradients' variance, not by their squares' mean"),
  }),
]);

const layerPattern = z.string().min(1).describe("Regular expression over whole layer names");

const freezeRule = z.union([
  z.strictObject({ layers: layerPattern, train: z.boolean().describe("Whether these layers train") }),
  z.strictObject({
    layers: layerPattern,
    lrMultiplier: z.number().min(0).max(100).describe("Factor on the learning rate of these layers; 0 freezes them"),
  }),
]);

export const freezeSchema = z
  .union([z.number().int().min(0), z.string().min(1), z.array(freezeRule).min(1)])
  .describe(
    "Frozen layers from the input (a count), a layer name (frozen up to and without it), or ordered rules, first match wins",
  );

const phaseSchema = z.strictObject({
  name: identifier.optional().describe("phase-1, phase-2, … without it"),
  epochs: count.describe("Passes over the training images in this phase"),
  freeze: freezeSchema.optional(),
  optimizer: optimizerSchema.optional().describe("Starts afresh with each phase"),
});

export const phasesSchema = z.array(phaseSchema).min(1);
export const seedSchema = z
  .number()
  .int()
  .min(0)
  .max(0xffffffff)
  .describe("Decides split, fresh weights, order, dropout and augmentation");
export const frozenBatchNormSchema = z
  .enum(["inference", "batch-stats"])
  .describe("What a frozen BatchNormalization does: inference mode as Keras, or batch statistics as stock tfjs-layers");
export const batchNormSchema = z
  .enum(["keras", "inference-all"])
  .describe("keras: trainable BN uses batch statistics; inference-all: every BN of the base in inference mode");
export const dropoutSchema = fraction.describe("Dropout rate between pooling and head");

export const augmentationSchema = z
  .strictObject({
    horizontalFlip: z
      .boolean()
      .default(false)
      .describe("Mirrors a training image with probability ½, anew at each epoch"),
    maxShift: z
      .number()
      .int()
      .min(0)
      .max(256)
      .default(0)
      .describe("Random shift up to so many pixels each way, edges repeated"),
  })
  .describe("Random changes to training images");
