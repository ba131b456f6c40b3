import { z } from "zod";
import { FORMATS } from "../formats/formats.ts";
import {
  augmentationSchema,
  batchNormSchema,
  batchSizeSchema,
  count,
  dropoutSchema,
  editorSchema,
  freezeSchema,
  frozenBatchNormSchema,
  identifier,
  learningRateSchema,
  nameSchema,
  optimizerSchema,
  phasesSchema,
  seedSchema,
} from "./field-schemas.ts";
import { specSchema } from "./schema.ts";

const sweepCell = z.strictObject({
  label: identifier.optional().describe("What the row is called by; made of what the cell changes without it"),
  freeze: freezeSchema.optional(),
  learningRate: learningRateSchema.optional(),
  epochs: count.optional().describe("Passes over the training images"),
  batchSize: batchSizeSchema.optional(),
  seed: seedSchema.optional(),
  frozenBatchNorm: frozenBatchNormSchema.optional(),
  batchNorm: batchNormSchema.optional(),
  augmentation: augmentationSchema.optional(),
  dropout: dropoutSchema.optional(),
  optimizer: optimizerSchema.optional().describe("Another optimizer; learningRate beside it sets its rate"),
  phases: phasesSchema.optional().describe("Training in phases, in place of the experiment's epochs"),
});

const sweepGroup = z.strictObject({
  name: identifier.describe("Named by --group, by bestOf, and in the table"),
  bestOf: identifier
    .optional()
    .describe("Take the freeze policy of the best row (validation accuracy) of this earlier group"),
  vary: z
    .strictObject({
      freeze: z.array(freezeSchema).min(1).optional(),
      learningRate: z.array(learningRateSchema).min(1).optional(),
      epochs: z.array(count).min(1).optional().describe("Passes over the training images"),
      batchSize: z.array(batchSizeSchema).min(1).optional(),
      seed: z.array(seedSchema).min(1).optional(),
      frozenBatchNorm: z.array(frozenBatchNormSchema).min(1).optional(),
      batchNorm: z.array(batchNormSchema).min(1).optional(),
      augmentation: z.array(augmentationSchema).min(1).optional(),
      dropout: z.array(dropoutSchema).min(1).optional(),
    })
    .optional()
    .describe("Every combination of these values is a cell"),
  cells: z.array(sweepCell).min(1).optional().describe("Cells one by one"),
  seeds: z.array(seedSchema).min(1).optional().describe("Every cell of the group with each of these seeds"),
});

/** A grid of experiments that share one base spec. */
export const sweepSchema = z.strictObject({
  $schema: editorSchema.optional(),
  version: z.literal(FORMATS.sweep.version),
  name: nameSchema,
  experiment: specSchema.describe("What all cells share"),
  groups: z.array(sweepGroup).min(1).describe("Run one after the other, a table each"),
});

export type SweepInput = z.input<typeof sweepSchema>;
export type Sweep = z.output<typeof sweepSchema>;
export type SweepCell = z.output<typeof sweepCell>;
