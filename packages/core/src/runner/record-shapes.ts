import { z } from "zod";
import { FORMATS } from "../formats/formats.ts";
import { freezeSchema, optimizerSchema } from "../spec/field-schemas.ts";

// What files and foreign programs say of runs, field by field: the interfaces beside are what is left of it in the program.

const text = z.string();
const number = z.number();
const index = z.int().nonnegative();
const indices = z.array(index);
const flag = z.boolean();
/** Infinity is no JSON, and the loss of a class that got no probability at all: a file has null in its place. */
const losses = z.array(number.nullable());
const metrics = z.object({ loss: number, accuracy: number });
const texts = z.array(text);
const settings = z.record(text, z.union([text, number, flag]));

/** {@link Environment} */
export const environmentShape = z.object({
  runner: text,
  engine: text,
  device: z.object({ kind: z.enum(["cpu", "gpu"]), name: text, software: flag, note: text.exactOptional() }),
  adapter: z
    .object({
      vendor: text,
      architecture: text,
      device: text,
      description: text,
      driver: text,
      features: texts,
      limits: z.record(text, number),
    })
    .exactOptional(),
  settings,
  versions: z.record(text, text),
  platform: z.object({ os: text, arch: text, cores: number, memoryBytes: number }),
});

const trainable = z.object({ tensors: index, params: index });

/** {@link EpochRecord} */
const epoch = z.object({
  phase: text,
  epoch: index,
  learningRate: number,
  train: metrics,
  validation: metrics.nullable(),
  trainMs: number,
  evaluateMs: number,
  imagesPerSecond: number,
  parts: z
    .object({ inputMs: number, prefixMs: number, forwardMs: number, backwardMs: number, optimizerMs: number })
    .exactOptional(),
  dispatchesAStep: number.exactOptional(),
});

const cache = z.object({
  where: z.enum(["memory", "disk", "nowhere"]),
  cut: index,
  layer: text,
  tensors: z.array(z.object({ index, layer: text, shape: indices })),
  bytesPerImage: number,
  images: index,
  keeps: index,
  savedMacs: number,
  recomputedMacs: number,
  reason: text,
});

const step = z.object({ epoch: index, step: index, loss: number });
const certainty = z.object({ losses, confidences: z.array(number) });

const final = z.object({
  train: metrics,
  validation: metrics.nullable(),
  test: metrics.nullable(),
  epoch: index,
  stoppedEarly: flag,
});

const digests = z.object({
  initial: text,
  final: text,
  frozen: z.object({ tensors: index, before: text, after: text }),
});

const tracedStep = z.object({ step: index, images: text, labels: text });

/** {@link Outcome}, without what saved models leave out. */
const kept = {
  trainable,
  epochs: z.array(epoch),
  final,
  digests,
  resumed: indices.exactOptional(),
  underTrained: flag,
};

/** {@link Outcome} */
const outcome = {
  ...kept,
  cache: z.array(cache.extend({ phase: text })).exactOptional(),
  steps: z.array(step).exactOptional(),
  predictions: z.object({ validation: indices, test: indices }),
  certainty: z.object({ validation: certainty, test: certainty }).exactOptional(),
  trace: z.object({ steps: z.array(tracedStep), trained: texts }).exactOptional(),
  timing: z.object({
    totalMs: number,
    trainMs: number,
    evaluateMs: number,
    firstStepMs: number,
    stepMs: z.array(number),
    imagesPerSecond: number.nullable(),
  }),
  memory: z.object({ peakTensors: number, peakTensorBytes: number, peakRssBytes: number.nullable() }),
};

/** {@link Outcome} */
export const outcomeShape = z.object(outcome);

const layer = z.object({
  name: text,
  type: text,
  trainable: flag,
  lrMultiplier: number,
  batchNormMode: z.enum(["batch-stats", "inference"]).nullable(),
  dropoutMode: z.literal("inference").exactOptional(),
  params: index,
  trainableParams: index,
});

/** {@link PhaseSummary} */
const phase = z.object({
  name: text,
  epochs: index,
  freeze: freezeSchema,
  optimizer: optimizerSchema,
  trainable,
  cut: z.object({ index, layer: text.nullable(), live: texts }),
  cost: z.object({ prefixMacs: number, forwardMacs: number, backwardMacs: number, stepMacs: number }),
  layers: z.array(layer),
});

/** Networks that tell more classes apart are not known; what is made of each pair of classes has its square. */
const MAX_CLASSES = 30_000;

const dataFields = {
  source: text,
  classes: texts.min(1).max(MAX_CLASSES),
  images: index,
  train: index,
  validation: index,
  test: index,
  decoding: z.record(text, z.union([text, number])),
};

const heldOut = z.object({ ids: texts, labels: indices });

/** What a result and a saved model's record have in common, beside the spec, which its own parser reads. */
const ofRun = {
  cell: text,
  sweep: z.object({ name: text, group: text, label: text }).nullable(),
  thawVersion: text,
  runner: text,
  finishedAt: text,
  specHash: text,
  planHash: text,
  config: z.object({ file: text, json: z.unknown() }).exactOptional(),
  weights: z.object({ source: text, sha256: text.nullable() }),
  phases: z.array(phase).min(1),
  environment: environmentShape,
  warnings: z.array(z.object({ code: text, message: text })),
};

const resultData = z.object({
  ...dataFields,
  heldOut: z.object({ validation: heldOut, test: heldOut }).exactOptional(),
});

/** What a range test has of a run. */
export const rangeRunShape = z.object({ ...ofRun, data: resultData }).omit({ sweep: true });

/** {@link Result} without its spec. */
export const resultShape = z
  .object({
    version: z.literal(FORMATS.result.version),
    ...ofRun,
    ...outcome,
    data: resultData,
  })
  .check(({ value: { data, predictions, certainty: sure }, issues }) => {
    for (const part of ["validation", "test"] as const) {
      const predicted = predictions[part];
      const labels = data.heldOut?.[part].labels ?? predicted;
      const lists = [labels, data.heldOut?.[part].ids, sure?.[part].losses, sure?.[part].confidences];
      const isEqual = lists.every((list) => list === undefined || list.length === predicted.length);
      const isKnown = [...labels, ...predicted].every((label) => label < data.classes.length);
      if (isEqual && isKnown) continue;
      const message = isKnown ? "lists of images have other lengths" : "there are fewer classes";
      issues.push({ code: "custom", input: predicted, path: ["predictions", part], message });
    }
  });

const confusion = z.array(indices);

/** {@link RunRecord} without its spec. */
export const runRecordShape = z
  .object({
    version: z.literal(FORMATS.savedModel.version),
    ...ofRun,
    ...kept,
    data: z.object(dataFields),
    confusion: z.object({ validation: confusion, test: confusion }).exactOptional(),
  })
  .check(({ value: { data, confusion: counts }, issues }) => {
    const isSquare = (rows: readonly (readonly number[])[] = []): boolean =>
      [rows, ...rows].every(({ length }) => length === data.classes.length);
    if (counts === undefined || (isSquare(counts.validation) && isSquare(counts.test))) return;
    issues.push({ code: "custom", input: counts, path: ["confusion"], message: "it has not a row a class" });
  });

/** {@link ImportRecord} without its spec. */
export const importRecordShape = z.object({
  version: z.literal(FORMATS.savedModel.version),
  thawVersion: text,
  finishedAt: text,
  imported: z.object({ file: text, sha256: text, format: text, leftOut: texts }),
  data: z.object({ classes: dataFields.classes }),
  digests: z.object({ final: text }),
});

/** {@link RunEvent} of a run that is neither traced nor profiled, and of one that is traced. */
export const eventShape = z.discriminatedUnion("type", [
  z.object({ type: z.literal("start"), environment: environmentShape, trainable, totalSteps: index }),
  step.extend({ type: z.literal("step"), ms: number, images: index }),
  epoch.extend({ type: z.literal("epoch") }),
  cache.extend({ type: z.literal("cache"), phase: text }),
  z.object({ type: z.literal("resume"), epoch: index, step: index, epochs: z.array(epoch) }),
  z.object({ type: z.literal("checkpoint"), epoch: index, step: index, bytes: number, ms: number }),
  z.object({ type: z.literal("warning"), code: text, message: text }),
  z.object({ type: z.literal("weights"), file: text, bytes: number, sha256: text }),
  z.object({ type: z.literal("trace"), file: text }),
  z.object({ type: z.literal("end"), outcome: outcomeShape }),
]);
