import { loadImages } from "../data/images.ts";
import { ThawError } from "../error.ts";
import type { DeviceTensor } from "../kernels/kernels.ts";
import { writeSafetensors } from "../model/safetensors.ts";
import { networkOf, type Plan, passOf } from "../plan/plan.ts";
import type { Certainty, EpochRecord, Outcome } from "../runner/outcome.ts";
import { type Host, type RunEvent, warningEvent } from "../runner/runner.ts";
import { softwareWarnings } from "../runner/software-warning.ts";
import { sha256 } from "../spec/hash.ts";
import { Checkpoints } from "./checkpoints.ts";
import { endsEarly, fullBatchSize, isWatched, type RunState, watchOf } from "./epoch.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import type { FrozenFeatures } from "./frozen-features.ts";
import { digestWeights, unmovedNames } from "./frozen-weights.ts";
import { startingWeights } from "./initial-weights.ts";
import { means, noMetrics } from "./metrics.ts";
import { checkStartingWeights } from "./non-finite.ts";
import { trainPhase } from "./phase.ts";
import { openFeatures, stepsFor } from "./phase-features.ts";
import { Profiler } from "./profiler.ts";
import { restoreRun } from "./run-checkpoint.ts";
import { median, roundMs } from "./timing.ts";
import { Tracer } from "./tracer.ts";
import { Variables } from "./variables.ts";

const NOTHING_SAID: Certainty = { losses: [], confidences: [] };

/** Whether the best training accuracy stayed within two standard errors of always naming the largest class. */
function neverLeftChance(plan: Plan, epochs: readonly EpochRecord[]): boolean {
  const counts = plan.dataset.classes.map(() => 0);
  for (const index of plan.splits.train) {
    const label = plan.dataset.labels[index] ?? 0;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  const total = plan.splits.train.length;
  const chance = Math.max(...counts) / total;
  const standardError = Math.sqrt((chance * (1 - chance)) / total);
  return Math.max(...epochs.map((epoch) => epoch.train.accuracy)) <= chance + 2 * standardError;
}

/**
 * Runs a plan on a host: the one training loop of every runner in this language.
 * Deterministic for a seed wherever the host's kernels are.
 * @throws ThawError `non-finite`, `frozen-moved`, `cancelled`, `blob-corrupt`
 */
export async function* train<T extends DeviceTensor>(plan: Plan, given: Host<T>): AsyncGenerator<RunEvent> {
  const profiler = given.profile === undefined ? undefined : new Profiler(given, given.profile);
  const host = profiler === undefined ? given : { ...given, kernels: profiler.kernels };
  const { spec, splits, dataset, preprocessing } = plan;
  const network = networkOf(plan);
  const lastPhase = plan.phases.at(-1);
  if (lastPhase === undefined) throw new ThawError("internal", "The plan has no phase.");
  const stepsPerEpoch = Math.ceil(splits.train.length / spec.batchSize);
  const startedMs = host.now();
  const totalSteps = plan.phases.reduce((sum, phase) => sum + phase.epochs * stepsPerEpoch, 0);
  yield { type: "start", environment: host.environment, trainable: lastPhase.trainable, totalSteps };
  yield* softwareWarnings(host.environment);
  for (const warning of plan.warnings) yield warningEvent(warning);

  const initial = await startingWeights(plan, host);
  checkStartingWeights(initial);
  const tracer = host.trace === undefined ? undefined : new Tracer(host.kernels, host.trace, totalSteps, preprocessing);
  const images = await loadImages(dataset, preprocessing, host.readBlob, host.openBlob);
  const variables = new Variables(host.kernels, network.layers, initial);
  const [firstUnmoved, ...laterUnmoved] = plan.phases.map((phase) => unmovedNames(passOf(plan, phase)));
  const everFrozen = new Set([...(firstUnmoved ?? [])].filter((name) => laterUnmoved.every((set) => set.has(name))));
  const isWatchedRun = tracer !== undefined || profiler !== undefined; // it is over before a checkpoint is worth it
  const checkpoints =
    host.checkpoints === undefined || isWatchedRun ? undefined : await Checkpoints.open(host.checkpoints, plan, host);
  const state: RunState<T> = {
    plan,
    host,
    images,
    variables,
    everFrozen,
    startedMs,
    epochs: [],
    steps: [],
    stepMs: [],
    steadyMs: [],
    caches: [],
    resumed: [],
    peaks: { tensors: 0, bytes: 0 },
    ...(checkpoints === undefined ? {} : { checkpoints }),
    ...(tracer === undefined ? {} : { tracer }),
    ...(profiler === undefined ? {} : { profiler }),
  };
  let opened: { readonly features: FrozenFeatures<T>; readonly close: () => Promise<void> } | undefined;
  try {
    const initialDigest = await digestWeights(variables);
    const frozenBefore = await digestWeights(variables, everFrozen);

    let last = { stoppedEarly: false, epoch: 0 };
    for (const file of (await tracer?.after(0, variables)) ?? []) yield { type: "trace", file };
    const found = checkpoints === undefined ? null : yield* checkpoints.read();
    if (found !== null) yield restoreRun(state, found);
    const wanted = plan.phases.filter(({ name }) => profiler === undefined || name === profiler.request.phase);
    const phases = wanted.slice(found?.run.phase ?? 0);
    for (const [index, phase] of phases.entries()) {
      if (endsEarly(state)) break;
      if (host.signal?.aborted) throw new ThawError("cancelled", "The run was cancelled.");
      await opened?.close();
      const current = await openFeatures(state, phase);
      opened = current;
      const { features, plan: cache } = current;
      state.caches.push({ phase: phase.name, ...cache });
      yield { type: "cache", phase: phase.name, ...cache };
      last = yield* trainPhase(state, phase, features, index === 0 ? (found ?? undefined) : undefined);
    }

    const lastRun = phases.at(-1) ?? lastPhase;
    const context = { kernels: host.kernels, steps: stepsFor(host, plan, lastRun), variables, ...watchOf(state) };
    const evaluateStart = host.now();
    const onProgress = (): void => host.onProgress?.();
    const { batchSize } = spec;
    if (profiler !== undefined && opened !== undefined) {
      const { features } = opened;
      const batch = splits.validation.slice(0, batchSize);
      const evaluateBatch = (): Promise<Evaluation> =>
        evaluate(context, features, images, dataset.labels, batch, batchSize, onProgress);
      yield { type: "profile", ...(await profiler.profile(batch.length, evaluateBatch)) };
    }
    const part = async (indices: readonly number[]): Promise<Evaluation | null> =>
      indices.length === 0 || isWatched(state) || opened === undefined
        ? null
        : await evaluate(context, opened.features, images, dataset.labels, indices, batchSize, onProgress);
    const validation = await part(splits.validation);
    const test = await part(splits.test);
    const finalEvaluateMs = host.now() - evaluateStart;

    const finalBytes = writeSafetensors(await variables.download());
    const finalDigest = await sha256(finalBytes);
    if (host.writeWeights !== undefined) {
      const file = await host.writeWeights(finalBytes);
      yield { type: "weights", file, bytes: finalBytes.byteLength, sha256: finalDigest };
    }
    const stepMedian = median(state.steadyMs);
    const sumOf = (key: "trainMs" | "evaluateMs"): number => state.epochs.reduce((sum, record) => sum + record[key], 0);
    const outcome: Outcome = {
      trainable: lastPhase.trainable,
      epochs: state.epochs,
      cache: state.caches,
      ...(spec.record === "steps" ? { steps: state.steps } : {}),
      final: {
        train: state.epochs[last.epoch - 1]?.train ?? means(noMetrics()),
        validation: validation?.metrics ?? null,
        test: test?.metrics ?? null,
        epoch: last.epoch,
        stoppedEarly: last.stoppedEarly,
      },
      predictions: { validation: validation?.predictions ?? [], test: test?.predictions ?? [] },
      certainty: { validation: validation?.certainty ?? NOTHING_SAID, test: test?.certainty ?? NOTHING_SAID },
      digests: {
        initial: initialDigest,
        final: finalDigest,
        frozen: {
          tensors: everFrozen.size,
          before: frozenBefore,
          after: await digestWeights(variables, everFrozen),
        },
      },
      ...(tracer === undefined ? {} : { trace: tracer.digests() }),
      timing: {
        totalMs: roundMs(host.now() - state.startedMs),
        trainMs: roundMs(sumOf("trainMs")),
        evaluateMs: roundMs(sumOf("evaluateMs") + finalEvaluateMs),
        firstStepMs: state.stepMs[0] ?? 0,
        stepMs: state.stepMs,
        imagesPerSecond: stepMedian === null ? null : roundMs((fullBatchSize(plan) / stepMedian) * 1000),
      },
      memory: {
        peakTensors: state.peaks.tensors,
        peakTensorBytes: state.peaks.bytes,
        peakRssBytes: host.peakRssBytes(),
      },
      ...(state.resumed.length === 0 ? {} : { resumed: state.resumed }),
      underTrained: neverLeftChance(plan, state.epochs),
    };
    yield { type: "end", outcome };
  } finally {
    await opened?.close();
    variables.dispose();
    images.close();
  }
}
