import { readFile } from "node:fs/promises";
import { ThawError } from "@thaw/core";
import { type ParityReport, RUNGS } from "@thaw/core/parity";
import { z } from "zod";
import { writeWholeFile } from "./whole-file.ts";

const HINT = "Record a new one: thaw parity … --baseline FILE --update-baseline.";

const environment = z.object({
  runner: z.string(),
  engine: z.string(),
  device: z.object({
    kind: z.enum(["cpu", "gpu"]),
    name: z.string(),
    software: z.boolean(),
    note: z.string().exactOptional(),
  }),
  adapter: z
    .object({
      vendor: z.string(),
      architecture: z.string(),
      device: z.string(),
      description: z.string(),
      driver: z.string(),
      features: z.array(z.string()),
      limits: z.record(z.string(), z.number()),
    })
    .exactOptional(),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  versions: z.record(z.string(), z.string()),
  platform: z.object({ os: z.string(), arch: z.string(), cores: z.number(), memoryBytes: z.number() }),
});

const place = z.object({
  step: z.number().exactOptional(),
  layer: z.string().exactOptional(),
  tensor: z.string().exactOptional(),
  op: z.string().exactOptional(),
});
const measure = z.object({ at: place, value: z.number(), bound: z.number(), what: z.string() });
const cell = { rung: z.enum(RUNGS), runner: z.string(), depth: z.string().nullable() };

const result = z.object({
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
const report: z.ZodType<ParityReport> = z.object({
  version: z.literal(1),
  name: z.string(),
  specHash: z.string(),
  thawVersion: z.string(),
  startedAt: z.string(),
  wallMs: z.number(),
  reference: z.object({ runner: z.string(), dtype: z.enum(["float64", "float32"]), environment }),
  weightsAt: numbers,
  depths: z.array(z.string()),
  runners: z.array(
    z.object({
      name: z.string(),
      environment: environment.nullable(),
      required: z.boolean(),
      missing: z.object({ code: z.string(), reason: z.string(), hint: z.string() }).exactOptional(),
    }),
  ),
  results: z.array(result),
  equivalence: z.array(equivalence),
  divergences: z.array(z.object({ ...cell, measure: measure.nullable(), sentence: z.string() })),
  passed: z.boolean(),
});

function invalid(file: string, what: string, cause?: unknown): ThawError {
  return new ThawError("baseline-invalid", `${file}: ${what}.`, { hint: HINT, cause });
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw invalid(file, isAbsent ? "there is no such file" : (cause as Error).message, cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(file, `no valid JSON (${(cause as Error).message})`, cause);
  }
}

/**
 * Reads a recorded report.
 * @param specHash of the experiment that it is to be compared with
 * @throws ThawError `baseline-invalid`: no such file, no JSON, no report, of another version, of another experiment
 */
export async function readBaseline(file: string, specHash: string): Promise<ParityReport> {
  const document = await readJson(file);
  const version = typeof document === "object" && document !== null && "version" in document ? document.version : null;
  if (version === null) throw invalid(file, "no parity report, which has a version");
  if (version !== 1) throw invalid(file, `a report of version ${JSON.stringify(version)}, expected 1`);
  const parsed = report.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(file, `no parity report: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  if (parsed.data.specHash !== specHash) {
    const [found, expected] = [parsed.data.specHash, specHash].map((hash) => hash.slice(0, 12));
    throw invalid(file, `a report of another experiment, "${parsed.data.name}" (spec ${found}, here ${expected})`);
  }
  return parsed.data;
}

/**
 * Records a report as the baseline, in the place of an earlier one: whole, or not at all. Its own drift is left out.
 * @throws ThawError `result-unwritable`
 */
export async function writeBaseline(file: string, { drift: _drift, ...recorded }: ParityReport): Promise<void> {
  await writeWholeFile(file, `${JSON.stringify(recorded, null, 1)}\n`, {
    earlier: "replace",
    hint: "Check the folder's rights and the free space, or choose another file for --baseline.",
  });
}
