import { buildNetwork, type KerasConfig, makePlan, type Plan, type Spec, type WeightsRef } from "@thaw/core";
import { cacheFolder, type Environment } from "./cache-folder.ts";
import { classesMissing, duplicatesAcrossSplits } from "./data/duplicates.ts";
import { loadDataset } from "./data/load-dataset.ts";
import type { LoadedDataset, LoadProgress } from "./data/load-options.ts";
import { readModelConfig } from "./model-config.ts";
import { openStore, type Store } from "./store.ts";
import { resolveHeadWeights, resolveWeights } from "./weights/resolve-weights.ts";

/** A plan whose inputs lie in the store. */
export interface PreparedPlan {
  readonly plan: Plan;
  /** Folder of the store, for the runner. */
  readonly storeDir: string;
}

/** Where to look and whom to tell. */
export interface PrepareOptions {
  /** The spec file's folder: relative paths start there. */
  readonly baseDir: string;
  readonly env?: Environment;
  /** Says what is found, downloaded and decoded, in sentences. */
  readonly onNote?: (note: string) => void;
}

const PROGRESS_EVERY = 500;

interface PreparedWeights {
  readonly weights: WeightsRef;
  readonly headWeights: WeightsRef | null;
}

async function loadWeights(
  spec: Spec,
  config: KerasConfig | undefined,
  classCount: number,
  store: Store,
  options: Required<PrepareOptions>,
): Promise<PreparedWeights> {
  const { baseDir, env, onNote } = options;
  const { model } = spec;
  const network = buildNetwork(model, classCount, config);
  const base = await resolveWeights(model.weights, {
    architecture: model.architecture,
    alpha: model.alpha ?? 1,
    imageSize: model.imageSize,
    layers: network.base.layers,
    baseDir,
    env,
    store,
    onProgress: onNote,
  });
  onNote(`weights: ${base.source}`);
  const head = network.head.at(-1);
  if (model.head.weights === undefined || head === undefined) return { weights: base, headWeights: null };
  return { weights: base, headWeights: await resolveHeadWeights(model.head.weights, head, { baseDir, env, store }) };
}

/** Loads once what has the same key as the last time; a load that fails is tried again. */
function lastOf<T>(): (key: unknown, load: () => Promise<T>) => Promise<T> {
  let last: { readonly key: string; readonly value: Promise<T> } | undefined;
  return (key, load) => {
    const text = JSON.stringify(key);
    if (last?.key === text) return last.value;
    const value = load();
    last = { key: text, value };
    value.catch(() => {
      if (last?.value === value) last = undefined;
    });
    return value;
  };
}

/**
 * Prepares specs one after the other, and reads the images and the weights that neighbours share once: every read
 * checks each byte's hash, which is more work than all the rest of a plan.
 * @returns like {@link preparePlan}
 */
export function planner(options: PrepareOptions): (spec: Spec) => Promise<PreparedPlan> {
  const complete = { env: process.env, onNote: () => undefined, ...options };
  const { baseDir, env, onNote } = complete;
  const cacheDir = cacheFolder(env);
  const store = openStore(cacheDir);
  const datasets = lastOf<LoadedDataset>();
  const allWeights = lastOf<PreparedWeights>();
  const onProgress = ({ stage, done, total }: LoadProgress): void => {
    if (stage === "decode" && (done === total || done % PROGRESS_EVERY === 0))
      onNote(`images: ${done} of ${total} decoded`);
  };
  return async (spec) => {
    const { imageSize } = spec.model;
    const config = await readModelConfig(spec.model, { baseDir, env });
    // The seed chooses the images of a limit, and decides nothing of a whole set.
    const chosenBy = "limit" in spec.data && spec.data.limit !== undefined ? spec.seed : null;
    const { dataset, warnings } = await datasets([spec.data, imageSize, chosenBy], () =>
      loadDataset(spec.data, { imageSize, seed: spec.seed, baseDir, env, store, cacheDir, onProgress }),
    );
    onNote(`data: ${dataset.source}, ${dataset.labels.length} images in ${dataset.classes.length} classes`);
    const classes = dataset.classes.length;
    const { weights, headWeights } = await allWeights([spec.model, config?.json ?? null, classes], () =>
      loadWeights(spec, config, classes, store, complete),
    );
    const given = config === undefined ? {} : { config };
    const plan = await makePlan({ spec, weights, headWeights, ...given, dataset, warnings });
    const splits = { ...plan.splits };
    const splitWarnings = [...duplicatesAcrossSplits(dataset, splits), ...classesMissing(dataset, splits)];
    return { plan: { ...plan, warnings: [...warnings, ...splitWarnings] }, storeDir: store.folder };
  };
}

/**
 * Finds and prepares everything that a spec names, and plans it: images decoded once into the store, weights checked
 * against the layer table.
 * @throws ThawError what the asset resolver, the readers and the planner throw
 */
export function preparePlan(spec: Spec, options: PrepareOptions): Promise<PreparedPlan> {
  return planner(options)(spec);
}
