import type { Environment, FeatureCachePlan } from "@thaw/core";
import type { LayerRow, ProfileFigures, StepRow } from "./profile-report.ts";

/** A layer with less of the step is not worth a word. */
const WORTH_SAYING = 0.03;
/** A rate below this part of the best is low. */
const LOW_RATE = 0.25;
/** So few operations for a byte leave a processor or GPU waiting for memory; both do 10 and more in that time. */
const MEMORY_BOUND_FLOPS = 10;
/** Who moves less is not waiting for memory but pays for the call. */
const MEMORY_BOUND_GIGABYTES = 1;
/** A program that takes this part of the step outside of kernels is worth a word; so is input. */
const MUCH_OUTSIDE = 0.1;
/** Steps that differ by more were disturbed. */
const UNSTEADY = 1.25;
const MEMORY_BOUND_LAYERS = 3;

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}

function largest({ layers, kernels, hotSpots, clock }: ProfileFigures): string[] {
  const whole = clock === "device" ? "the device's time" : "the step";
  const [kernel] = kernels;
  const [spot] = hotSpots;
  const layer = [...layers].sort((a, b) => b.share - a.share)[0];
  const said: string[] = [];
  if (spot !== undefined) {
    said.push(
      `${spot.kernel} of ${spot.layer}: ${percent(spot.share)} of ${whole}, more than any other single kernel.`,
    );
  }
  if (layer !== undefined) {
    const { forwardMs, backwardMs, share } = layer;
    const parts = `${milliseconds(forwardMs)} forward, ${milliseconds(backwardMs)} backward`;
    said.push(`${layer.layer}: ${percent(share)} of ${whole} (${parts}), the most of all layers.`);
  }
  if (kernel !== undefined) {
    said.push(`${kernel.kernel}: ${percent(kernel.share)} of ${whole} in ${Math.round(kernel.calls)} calls.`);
  }
  return said;
}

function memoryBound({ layers }: ProfileFigures): string[] {
  const rated = layers.filter((row): row is LayerRow & { gigaflops: number } => row.gigaflops !== null);
  const worth = rated.filter(({ share }) => share >= WORTH_SAYING / 2);
  const best = worth.reduce((most, row) => Math.max(most, row.gigaflops), 0);
  const slow = worth
    .flatMap(({ flopsPerByte, ...row }) => (flopsPerByte === null ? [] : [{ ...row, flopsPerByte }]))
    .filter(({ gigaflops, flopsPerByte }) => gigaflops < LOW_RATE * best && flopsPerByte < MEMORY_BOUND_FLOPS)
    .filter(({ gigaflops, flopsPerByte }) => gigaflops / flopsPerByte > MEMORY_BOUND_GIGABYTES)
    .sort((a, b) => b.share - a.share)
    .slice(0, MEMORY_BOUND_LAYERS);
  const single = slow.map(({ layer, gigaflops, flopsPerByte, share }) => {
    const rate = `${gigaflops.toFixed(1)} of the run's best ${best.toFixed(0)} GFLOP/s`;
    return `${layer}: ${percent(share)} at ${rate}; with ${flopsPerByte.toFixed(1)} operations for each byte, memory is the likely limit.`;
  });
  const without = layers.filter(({ macs }) => macs === 0).reduce((total, { share }) => total + share, 0);
  const all = `Layers without multiply-accumulates (normalization, activation, addition): ${percent(without)}, spent on moving memory.`;
  return without >= WORTH_SAYING ? [...single, all] : single;
}

function frozen({ parts }: ProfileFigures, cache: FeatureCachePlan | null, steps: readonly StepRow[]): string[] {
  const prefix = parts.find(({ pass }) => pass === "prefix");
  if (prefix === undefined || cache === null) return [];
  const share = `The frozen layers: ${percent(prefix.share)} of the step`;
  if (cache.where === "nowhere") return [`${share}, every time: their outputs are not kept: ${cache.reason}.`];
  const mean = (rows: readonly StepRow[]): string | undefined =>
    rows.length === 0 ? undefined : milliseconds(rows.reduce((sum, { prefixMs }) => sum + prefixMs, 0) / rows.length);
  const computed = mean(steps.filter(({ epoch }) => epoch === 1));
  const fetched = mean(steps.filter(({ epoch }) => epoch > 1));
  const saved = `later epochs fetch what is kept below ${cache.layer} and are spared ${(cache.savedMacs / 1e6).toFixed(0)} M multiply-accumulates an image`;
  if (computed === undefined) return [`${share}: ${fetched} a step to fetch what is kept below ${cache.layer}.`];
  return [`${share}: ${computed} in epoch 1; ${saved}${fetched === undefined ? "" : `: ${fetched}`}.`];
}

function program({ parts, outsideKernelsMs, meanStepMs, images }: ProfileFigures): string[] {
  const said: string[] = [];
  const input = parts.find(({ pass }) => pass === "input");
  if (input !== undefined && input.share >= MUCH_OUTSIDE) {
    said.push(`Assembling images: ${percent(input.share)} of the step.`);
  }
  const outside = outsideKernelsMs / meanStepMs;
  if (outside >= MUCH_OUTSIDE) {
    said.push(
      `${percent(outside)} of the step (${milliseconds(outsideKernelsMs)}) are outside of kernels; a batch of more than ${images} images spreads what of it does not grow with the batch.`,
    );
  }
  return said;
}

function unsteady({ stepMs: { min, max } }: ProfileFigures): string[] {
  if (max / min <= UNSTEADY) return [];
  return [
    `Steps took ${milliseconds(min)} to ${milliseconds(max)}: something else was at work, or they were not alike (a new epoch, features kept or not). Trust no small difference here.`,
  ];
}

function device({ clock, parts }: ProfileFigures, { device: where, runner }: Environment): string[] {
  const said: string[] = [];
  if (where.software) {
    said.push(`The GPU is emulated on the processor (${where.name}): where the time goes there says little of a GPU.`);
  }
  if (clock === "submission") {
    const waiting = parts.find(({ pass }) => pass === "wait");
    const tail = waiting === undefined ? "" : ` The last wait for it: ${percent(waiting.share)} of the step.`;
    said.push(
      `${runner} computes while the program goes on: times of layers and kernels are those of handing work over, and waiting falls to whatever reads a result back (download).${tail}`,
    );
  }
  return said;
}

/** What the figures say, in words, most telling first; nothing that they do not. */
export function suggestionsOf(
  figures: ProfileFigures,
  environment: Environment,
  cache: FeatureCachePlan | null,
  steps: readonly StepRow[],
): readonly string[] {
  const telling = figures.clock === "submission" ? [] : [...largest(figures), ...memoryBound(figures)];
  return [
    ...unsteady(figures),
    ...device(figures, environment),
    ...telling,
    ...frozen(figures, cache, steps),
    ...program(figures),
  ];
}
