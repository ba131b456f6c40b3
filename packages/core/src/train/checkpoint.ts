import { ThawError } from "../error.ts";
import { type NamedTensors, parseSafetensors, safetensorsMetadata, writeSafetensors } from "../model/safetensors.ts";
import type { FeatureCachePlan } from "../plan/feature-cache.ts";
import type { Plan } from "../plan/plan.ts";
import type { Environment } from "../runner/environment.ts";
import type { EpochRecord, StepRecord } from "../runner/outcome.ts";
import { hashOf, sha256 } from "../spec/hash.ts";
import type { EarlyStoppingState } from "./early-stopping.ts";
import type { EpochPlace } from "./epoch-batches.ts";
import type { MetricSums } from "./metrics.ts";
import type { EpochParts } from "./timing.ts";

/** Where a run's checkpoint lies, and how often it is written. */
export interface CheckpointStore {
  /** Least time between two checkpoints; 0 writes one after every step. */
  readonly everyMs: number;
  /** Program that asks for it, with its version: another one starts again. */
  readonly by: string;
  read(): Promise<Uint8Array | null>;
  /** Replaces the checkpoint, whole or not at all. */
  write(bytes: Uint8Array): Promise<void>;
}

/** An epoch of which some steps are done. */
export interface EpochProgress extends EpochPlace {
  /** Of the epoch's first update. */
  readonly learningRate: number;
  readonly sums: Readonly<MetricSums>;
  readonly trainMs: number;
  readonly parts: EpochParts;
  /** Programs handed to a GPU; null where nobody counts. */
  readonly dispatches: number | null;
}

/** A phase of which some steps are done. */
export interface PhaseProgress {
  /** Epochs of the phase that are complete. */
  readonly epochs: number;
  readonly epoch: EpochProgress;
  /** Updates of the phase's optimizer. */
  readonly updates: number;
  /** Absent where the phase cannot stop early. */
  readonly stopping?: EarlyStoppingState;
  /** Epoch of the best weights, where they are to be restored. */
  readonly bestEpoch?: number;
  /** Digest of the weights that the phase must not move, from its start. */
  readonly unmoved: string;
}

/** A run between two steps: all of its state but the tensors. JSON keeps every number bit for bit. */
export interface SavedRun {
  /** Index of the phase in progress. */
  readonly phase: number;
  readonly progress: PhaseProgress;
  /** What the phases before kept of their frozen prefix. */
  readonly caches: readonly ({ readonly phase: string } & FeatureCachePlan)[];
  readonly epochs: readonly EpochRecord[];
  readonly steps: readonly StepRecord[];
  readonly stepMs: readonly number[];
  readonly steadyMs: readonly number[];
  readonly peaks: { readonly tensors: number; readonly bytes: number };
  /** Steps after which the run was resumed before. */
  readonly resumed: readonly number[];
  /** Time that the run took so far. */
  readonly elapsedMs: number;
}

/** All that a run needs to go on. */
export interface Checkpoint {
  readonly run: SavedRun;
  /** Weights that some phase may move, by Keras name. */
  readonly weights: NamedTensors;
  /** The optimizer's slots, by group and place. */
  readonly slots: NamedTensors;
  /** Early stopping's best weights; empty without. */
  readonly best: NamedTensors;
}

/** Where each kind of tensor lies in the file. */
const FOLDERS = ["weights", "slots", "best"] as const;

/** Format of the file: safetensors whose metadata has a version, the state as JSON, and a digest of the two. */
const FORMAT_VERSION = "1";

/** What decides the bits of a run beside its plan. */
export function computedBy({ runner, engine, device, settings, versions }: Environment): object {
  return { runner, engine, device, settings, versions };
}

/** Names who may go on from a checkpoint: the same plan on the same engine, by the same program. */
export async function checkpointIdentity(
  { planHash, spec }: Plan,
  by: string,
  environment: Environment,
): Promise<string> {
  return await hashOf({ plan: planHash, record: spec.record, by, computedBy: computedBy(environment) });
}

/** Makes the file of a checkpoint. */
export async function writeCheckpoint(checkpoint: Checkpoint, identity: string): Promise<Uint8Array> {
  const tensors = new Map(
    FOLDERS.flatMap((folder) =>
      [...checkpoint[folder]].map(([name, tensor]) => [`${folder}/${name}`, tensor] as const),
    ),
  );
  const content = { version: FORMAT_VERSION, identity, run: JSON.stringify(checkpoint.run) };
  const digest = await sha256(writeSafetensors(tensors, content));
  return writeSafetensors(tensors, { ...content, digest });
}

function invalid(problem: string, cause?: unknown): ThawError {
  return new ThawError("checkpoint-invalid", `The checkpoint is damaged: ${problem}.`, { cause });
}

/**
 * Reads the file of a checkpoint.
 * @throws ThawError `checkpoint-invalid` where a bit of it has changed, `checkpoint-foreign` where another plan, engine
 *   or program wrote it
 */
export async function readCheckpoint(bytes: Uint8Array, identity: string): Promise<Checkpoint> {
  let tensors: NamedTensors;
  let metadata: ReadonlyMap<string, string>;
  try {
    tensors = parseSafetensors(bytes, "the checkpoint");
    metadata = safetensorsMetadata(bytes, "the checkpoint");
  } catch (cause) {
    throw invalid((cause as Error).message, cause);
  }
  const { digest, ...content } = Object.fromEntries(metadata);
  if (digest !== (await sha256(writeSafetensors(tensors, content)))) throw invalid("its digest is another");
  if (content.version !== FORMAT_VERSION || content.identity !== identity) {
    throw new ThawError(
      "checkpoint-foreign",
      "The checkpoint is of another version, engine, device or plan: going on from it would not give the bits of an uninterrupted run.",
    );
  }
  const inFolder = (folder: string): NamedTensors =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(`${folder}/`))
        .map(([name, tensor]) => [name.slice(folder.length + 1), tensor]),
    );
  return {
    run: JSON.parse(content.run ?? "") as SavedRun,
    weights: inFolder("weights"),
    slots: inFolder("slots"),
    best: inFolder("best"),
  };
}
