import { FORMATS } from "@thaw/core";
import { z } from "zod";

const settings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** One training run of one subject. */
const sample = z.object({
  subject: z.string(),
  depth: z.string(),
  batchSize: z.number(),
  /** 1-based. */
  round: z.number(),
  /** Share of the processors that others kept busy just before, 0 … 1. */
  othersBusy: z.number(),
  epochs: z.array(
    z.object({
      epoch: z.number(),
      images: z.number(),
      trainMs: z.number(),
      /** Whatever else the runner says of an epoch in milliseconds. */
      phaseMs: z.record(z.string(), z.number()),
      /** Programs handed to a GPU in a mean step; absent of a runner that does not count. */
      dispatchesAStep: z.number().optional(),
    }),
  ),
  steps: z.array(z.object({ epoch: z.number(), images: z.number(), ms: z.number() })),
  /** What was kept of the frozen layers; null of a runner that does not tell. */
  cache: z
    .object({
      where: z.enum(["memory", "disk", "nowhere"]),
      /** The first layer that is computed every time. */
      layer: z.string(),
      keptBytes: z.number(),
      /** What an image is spared in every epoch but the first, on average. */
      savedMacs: z.number(),
      savedBytes: z.number(),
    })
    .nullable(),
  peakRssBytes: z.number().nullable(),
  peakTensors: z.number(),
  /** From the call of the runner to its end, start of its process and reading of its data included. */
  wallMs: z.number(),
});

const failure = z.object({
  subject: z.string(),
  depth: z.string(),
  batchSize: z.number(),
  round: z.number(),
  code: z.string(),
  message: z.string(),
});

const roofs = z.object({
  engine: z.string(),
  matmul: z.object({ size: z.number(), gigaflops: z.array(z.number()) }),
  copy: z.object({ bytes: z.number(), threads: z.number(), gigabytesPerSecond: z.array(z.number()) }),
});

const machine = z.object({
  processor: z.string(),
  cores: z.number(),
  memoryBytes: z.number(),
  os: z.string(),
  arch: z.string(),
  node: z.string(),
});

/** What one depth and batch size has to do, of the layer table. */
const workload = z.object({
  depth: z.string(),
  batchSize: z.number(),
  /** Of everything that decides the work, see `workloadOf`. */
  hash: z.string(),
  /** Multiply-accumulates of one image in one step, and of its frozen part. */
  stepMacs: z.number(),
  prefixMacs: z.number(),
  /** Bytes of one image in one step: an estimate. */
  stepBytes: z.number(),
});

const subject = z.object({
  name: z.string(),
  runner: z.string(),
  settings,
  cache: z.enum(["on", "off", "none"]),
  role: z.enum(["runner", "baseline", "reference"]),
  engine: z.string().nullable(),
  device: z.string().nullable(),
  /** Whether it computes on this machine's processors, and so under its roofs. */
  onProcessor: z.boolean(),
  missing: z.object({ code: z.string(), reason: z.string(), hint: z.string() }).exactOptional(),
});

/** The file that `thaw bench` writes: raw samples; what is derived from them is left to the reader. */
export const benchReport = z.object({
  version: z.literal(FORMATS.benchReport.version),
  kind: z.literal("bench"),
  name: z.string(),
  thawVersion: z.string(),
  startedAt: z.string(),
  wallMs: z.number(),
  /** False where it was interrupted. */
  complete: z.boolean(),
  machine,
  images: z.number(),
  epochs: z.number(),
  rounds: z.number(),
  /** One entry a round; empty where nobody measures them. */
  roofs: z.array(roofs),
  subjects: z.array(subject),
  workloads: z.array(workload),
  samples: z.array(sample),
  failures: z.array(failure),
});

export type BenchReport = z.infer<typeof benchReport>;
export type Sample = z.infer<typeof sample>;
export type SampleFailure = z.infer<typeof failure>;
export type Roofs = z.infer<typeof roofs>;
export type Machine = z.infer<typeof machine>;
export type Workload = z.infer<typeof workload>;
export type MeasuredSubject = z.infer<typeof subject>;

/** What a program of `--roofs` prints, a line of JSON. */
export const roofsSchema: typeof roofs = roofs;
