import { environmentShape, FORMATS } from "@thaw/core";
import { type ParityReport, RUNGS, type RungResult } from "@thaw/core/parity";
import { z } from "zod";

const place = z.object({
  step: z.number().exactOptional(),
  layer: z.string().exactOptional(),
  tensor: z.string().exactOptional(),
  op: z.string().exactOptional(),
});
const measure = z.object({ at: place, value: z.number(), bound: z.number(), what: z.string() });
const value = z.union([z.number(), z.string()]);
const cell = { rung: z.enum(RUNGS), runner: z.string(), depth: z.string().nullable() };

/** One verdict of a report. */
export const rungResultShape: z.ZodType<RungResult> = z.object({
  ...cell,
  status: z.enum(["pass", "fail", "error", "not-run"]),
  worst: measure.nullable(),
  checks: z.number(),
  failures: z.array(measure),
  failed: z.number(),
  note: z.string().exactOptional(),
  curve: z
    .array(z.object({ name: z.string(), value: z.number(), bound: z.number(), selfNoise: z.number().exactOptional() }))
    .exactOptional(),
});

const numbers = z.array(z.number());
const equivalence = z.object({
  runner: z.string(),
  reference: z.string(),
  depth: z.string(),
  seeds: numbers,
  differences: numbers,
  meanDifference: z.number(),
  standardDeviation: z.number(),
  interval: z.tuple([z.number(), z.number()]),
  delta: z.number(),
  alpha: z.number(),
  p: z.number(),
  equivalent: z.boolean(),
  power: z.number(),
  seedsNeeded: z.number().nullable(),
  agreement: z.object({ equal: z.number(), images: z.number() }),
  accuracies: z.object({ runner: numbers, reference: numbers }),
});

/** The shape of a report; a field that it does not know is passed over. */
export const parityReportShape: z.ZodType<ParityReport> = z.object({
  version: z.literal(FORMATS.parityReport.version),
  name: z.string(),
  specHash: z.string(),
  thawVersion: z.string(),
  startedAt: z.string(),
  wallMs: z.number(),
  reference: z.object({ runner: z.string(), dtype: z.enum(["float64", "float32"]), environment: environmentShape }),
  weightsAt: numbers,
  depths: z.array(z.string()),
  runners: z.array(
    z.object({
      name: z.string(),
      environment: environmentShape.nullable(),
      required: z.boolean(),
      missing: z.object({ code: z.string(), reason: z.string(), hint: z.string() }).exactOptional(),
    }),
  ),
  results: z.array(rungResultShape),
  equivalence: z.array(equivalence),
  divergences: z.array(z.object({ ...cell, measure: measure.nullable(), sentence: z.string() })),
  drift: z
    .array(z.object({ ...cell, what: z.string(), before: value, now: value, environmentChanges: z.array(z.string()) }))
    .exactOptional(),
  passed: z.boolean(),
});
