import type { DeviceTensor, Kernels } from "../kernels/kernels.ts";
import type { PassStep } from "../plan/pass.ts";
import type { PassContext } from "./forward.ts";

/** The statistics of a batch that a layer's moving statistics are to move towards. */
export interface Move<T> {
  readonly step: PassStep;
  readonly batch: readonly [mean: T, variance: T];
  /** Whether nobody reads the batch's statistics behind it. */
  readonly isLast: boolean;
}

/** Moves the moving statistics of layers towards those of the batch, and empties the list. */
export function moveStatistics<T extends DeviceTensor>({ kernels, variables }: PassContext<T>, moves: Move<T>[]): void {
  const all = moves.splice(0);
  const byMomentum = new Map<number, Move<T>[]>();
  for (const move of all) {
    const { op } = move.step.layer;
    const momentum = op.type === "BatchNormalization" ? op.momentum : 1;
    byMomentum.set(momentum, [...(byMomentum.get(momentum) ?? []), move]);
  }
  for (const [momentum, group] of byMomentum) {
    const names = group.map(
      ({ step }) => [`${step.layer.name}/moving_mean`, `${step.layer.name}/moving_variance`] as const,
    );
    const layers = group.map(({ batch }, index) => {
      const [mean = "", variance = ""] = names[index] ?? [];
      return { moving: [variables.get(mean), variables.get(variance)] as const, batch };
    });
    const moved =
      kernels.movingStatistics?.(layers, momentum) ??
      layers.map(({ moving, batch }) => [
        kernels.movingAverage(moving[0], batch[0], momentum),
        kernels.movingAverage(moving[1], batch[1], momentum),
      ]);
    for (const [index, pair] of names.entries()) {
      for (const [which, name] of pair.entries()) {
        const tensor = moved[index]?.[which];
        if (tensor !== undefined) variables.replace(name, tensor, "free");
      }
    }
  }
  disposeLast(kernels, all);
}

/** Frees the batch's statistics that nobody reads any more. */
export function disposeLast<T extends DeviceTensor>(kernels: Kernels<T>, moves: readonly Move<T>[]): void {
  for (const { batch, isLast } of moves) if (isLast) for (const tensor of batch) kernels.dispose(tensor);
}
