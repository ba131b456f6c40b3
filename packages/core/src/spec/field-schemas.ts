import { z } from "zod";

export const fraction = z.number().min(0).lt(1);
const positive = z.number().positive().finite();
export const count = z.number().int().positive();
export const identifier = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, "letters, digits, '.', '_' and '-', at most 80 of them");

export const learningRateSchema = z.union([
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

export const optimizerSchema = z.discriminatedUnion("name", [
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

export const freezeSchema = z
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

export const phasesSchema = z.array(phaseSchema).min(1);
export const seedSchema = z.number().int().min(0).max(0xffffffff);
export const frozenBatchNormSchema = z.enum(["inference", "batch-stats"]);
export const batchNormSchema = z.enum(["keras", "inference-all"]);

export const augmentationSchema = z.strictObject({
  horizontalFlip: z.boolean().default(false),
  maxShift: z
    .number()
    .int()
    .min(0)
    .max(256)
    .default(0)
    .describe("Random shift up to so many pixels each way, edges repeated"),
});
