import { z } from "zod";
import {
  augmentationSchema,
  batchNormSchema,
  count,
  fraction,
  freezeSchema,
  frozenBatchNormSchema,
  identifier,
  learningRateSchema,
  optimizerSchema,
  phasesSchema,
  seedSchema,
} from "./field-schemas.ts";
import { specSchema } from "./schema.ts";

const sweepCell = z.strictObject({
  label: identifier.optional(),
  freeze: freezeSchema.optional(),
  learningRate: learningRateSchema.optional(),
  epochs: count.optional(),
  batchSize: count.optional(),
  seed: seedSchema.optional(),
  frozenBatchNorm: frozenBatchNormSchema.optional(),
  batchNorm: batchNormSchema.optional(),
  augmentation: augmentationSchema.optional(),
  dropout: fraction.optional().describe("Dropout rate between pooling and head"),
  optimizer: optimizerSchema.optional().describe("Another optimizer; learningRate beside it sets its rate"),
  phases: phasesSchema.optional().describe("Training in phases, in place of the experiment's epochs"),
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
      seed: z.array(seedSchema).min(1).optional(),
      frozenBatchNorm: z.array(frozenBatchNormSchema).min(1).optional(),
      batchNorm: z.array(batchNormSchema).min(1).optional(),
      augmentation: z.array(augmentationSchema).min(1).optional(),
      dropout: z.array(fraction).min(1).optional(),
    })
    .optional()
    .describe("Every combination of these values is a cell"),
  cells: z.array(sweepCell).min(1).optional().describe("Cells one by one"),
  seeds: z.array(seedSchema).min(1).optional().describe("Every cell of the group with each of these seeds"),
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
