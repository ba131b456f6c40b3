import { readFileSync } from "node:fs";

type Json = Readonly<Record<string, unknown>>;

/** A network and a set that train in seconds: few embedded images, fresh weights. */
const SMALL = {
  model: { alpha: 0.35, imageSize: 32, weights: "random" },
  data: { kind: "builtin", name: "fashion-shoes", limit: 30 },
  batchSize: 8,
} as const;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Any count of epochs in a document, made one or two; one seed of many; a split that the small set can have. */
function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shortened);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    if (key === "epochs") return [key, Array.isArray(item) ? [1, 2] : 1];
    if (key === "batchSize") return [key, Array.isArray(item) ? [4, 8] : 8];
    if (key === "seeds" && Array.isArray(item)) return [key, item.slice(0, 1)];
    if (key === "by" && item === "group") return [key, "stratified"];
    return [key, shortened(item)];
  });
  return Object.fromEntries(entries) as Json;
}

function smallExperiment(spec: Json): Json {
  return { ...spec, ...SMALL, ...(isObject(spec.split) ? {} : { split: { validation: 0.2, test: 0.2 } }) };
}

/** A spec or a sweep of the repository with everything in it but its size. */
export function smallSpec(file: string): Json {
  const document = shortened(JSON.parse(readFileSync(file, "utf8"))) as Json;
  return isObject(document.experiment)
    ? { ...document, experiment: smallExperiment(document.experiment) }
    : smallExperiment(document);
}

/** What the pages call SPEC.json. */
export const READERS_SPEC: Json = {
  version: 1,
  name: "small",
  ...SMALL,
  split: { validation: 0.2, test: 0.2 },
  freeze: 100,
  optimizer: { name: "adam", learningRate: 1e-3 },
  epochs: 4,
};
