import type { DeviceTensor } from "../kernels/kernels.ts";
import type { NamedTensors } from "../model/safetensors.ts";
import { networkOf, type PhasePlan } from "../plan/plan.ts";
import type { RunEvent } from "../runner/runner.ts";
import type { Checkpoint, PhaseProgress } from "./checkpoint.ts";
import type { RunState } from "./epoch.ts";

/**
 * Writes a checkpoint of a run between two steps.
 * @param slots of the phase's optimizer
 * @param best weights that early stopping may restore
 */
export async function* saveRun<T extends DeviceTensor>(
  state: RunState<T>,
  phase: PhasePlan,
  progress: PhaseProgress,
  slots: NamedTensors,
  best: NamedTensors,
): AsyncGenerator<RunEvent, void> {
  const { plan, host, variables, checkpoints, everFrozen } = state;
  const names = networkOf(plan).layers.flatMap((layer) => layer.weights.map(({ name }) => `${layer.name}/${name}`));
  const index = plan.phases.indexOf(phase);
  const { epochs, steps, stepMs, steadyMs, peaks, resumed } = state;
  const run = {
    phase: index,
    progress,
    caches: state.caches.slice(0, index),
    ...{ epochs, steps, stepMs, steadyMs, peaks, resumed },
    elapsedMs: host.now() - state.startedMs,
  };
  const weights = await variables.downloadExact(new Set(names.filter((name) => !everFrozen.has(name))));
  host.onProgress?.();
  yield* checkpoints?.write({ run, weights, slots, best }) ?? [];
  host.onProgress?.(); // a disk may be slow
}

/** Brings a run that has just begun to where a checkpoint was written; {@link trainPhase} does the rest. */
export function restoreRun<T extends DeviceTensor>(state: RunState<T>, { run, weights }: Checkpoint): RunEvent {
  state.variables.assign(weights);
  state.epochs.push(...run.epochs);
  state.steps.push(...run.steps);
  state.stepMs.push(...run.stepMs);
  state.steadyMs.push(...run.steadyMs);
  state.caches.push(...run.caches);
  state.resumed.push(...run.resumed, run.stepMs.length);
  Object.assign(state.peaks, run.peaks);
  state.startedMs -= run.elapsedMs;
  return { type: "resume", epoch: run.epochs.length + 1, step: run.stepMs.length, epochs: run.epochs };
}
