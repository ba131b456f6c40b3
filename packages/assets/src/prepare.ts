import { buildNetwork, type KerasConfig, makePlan, type Plan, type Spec, type WeightsRef } from "@thaw/core";
import { cacheFolder, type Environment } from "./cache-folder.ts";
import { classesMissing, duplicatesAcrossSplits } from "./data/duplicates.ts";
import { loadDataset } from "./data/load-dataset.ts";
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

async function loadWeights(
  spec: Spec,
  config: KerasConfig | undefined,
  classCount: number,
  store: Store,
  options: Required<PrepareOptions>,
): Promise<{ weights: WeightsRef; headWeights: WeightsRef | null }> {
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

/**
 * Finds and prepares everything that a spec names, and plans it: images decoded once into the store, weights checked
 * against the layer table.
 * @throws ThawError what the asset resolver, the readers and the planner throw
 */
export async function preparePlan(spec: Spec, options: PrepareOptions): Promise<PreparedPlan> {
  const complete = { env: process.env, onNote: () => undefined, ...options };
  const { baseDir, env, onNote } = complete;
  const cacheDir = cacheFolder(env);
  const store = openStore(cacheDir);
  const config = await readModelConfig(spec.model, { baseDir, env });
  const { dataset, warnings } = await loadDataset(spec.data, {
    imageSize: spec.model.imageSize,
    seed: spec.seed,
    baseDir,
    env,
    store,
    cacheDir,
    onProgress: ({ stage, done, total }) => {
      if (stage === "decode" && (done === total || done % PROGRESS_EVERY === 0))
        onNote(`images: ${done} of ${total} decoded`);
    },
  });
  onNote(`data: ${dataset.source}, ${dataset.labels.length} images in ${dataset.classes.length} classes`);
  const { weights, headWeights } = await loadWeights(spec, config, dataset.classes.length, store, complete);
  const given = config === undefined ? {} : { config };
  const plan = await makePlan({ spec, weights, headWeights, ...given, dataset, warnings });
  const splits = { ...plan.splits };
  const splitWarnings = [...duplicatesAcrossSplits(dataset, splits), ...classesMissing(dataset, splits)];
  return { plan: { ...plan, warnings: [...warnings, ...splitWarnings] }, storeDir: store.folder };
}
