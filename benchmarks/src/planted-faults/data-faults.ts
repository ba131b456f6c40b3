import { epochOrder, type HostTensor, type Plan, ThawError } from "@thaw/core";
import type { RunFault } from "./fault.ts";

function withLabels(plan: Plan, change: (label: number) => number): Plan {
  return { ...plan, dataset: { ...plan.dataset, labels: plan.dataset.labels.map(change) } };
}

function withTrain(plan: Plan, change: (order: readonly number[]) => readonly number[]): Plan {
  return { ...plan, splits: { ...plan.splits, train: change(plan.splits.train) } };
}

function swapped(order: readonly number[], a: number, b: number): readonly number[] {
  return order.map((image, index) => order[index === a ? b : index === b ? a : index] ?? image);
}

/** Rounds to the 11 significant bits of float16. */
function toHalf(value: number): number {
  if (value === 0) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 10);
  return Math.round(value / unit) * unit;
}

/** Faults in what goes into a run. */
export const DATA_FAULTS: readonly RunFault[] = [
  {
    name: "two images of the permutation swapped",
    rung: "L0",
    plant: async ({ plan }) => ({ plan: withTrain(plan, (order) => swapped(order, 1, order.length - 2)) }),
  },
  {
    name: "permutation of another seed",
    rung: "L0",
    plant: async ({ plan }) => ({ plan: { ...plan, spec: { ...plan.spec, seed: plan.spec.seed + 1 } } }),
  },
  {
    name: "last partial batch dropped",
    rung: "L0",
    plant: async ({ plan }) => {
      const { seed, batchSize } = plan.spec;
      const order = epochOrder(plan.splits.train, true, seed, 1);
      const full = Math.floor(order.length / batchSize) * batchSize;
      const phases = plan.phases.map((phase) => ({ ...phase, epochs: 2 })); // the step comes, from the next epoch
      const unshuffled = { ...plan, phases, spec: { ...plan.spec, shuffle: false } };
      return { plan: withTrain(unshuffled, () => order.slice(0, full)) };
    },
  },
  {
    name: "labels off by one",
    rung: "L0",
    plant: async ({ plan }) => ({
      plan: withLabels(plan, (label) => (label + 1) % plan.dataset.classes.length),
    }),
  },
  {
    name: "red and blue swapped",
    rung: "L0",
    plant: async ({ withPixels }) => ({
      plan: await withPixels((pixels) => pixels.map((_, index) => pixels[index - (index % 3) + 2 - (index % 3)] ?? 0)),
    }),
  },
  {
    name: "images resized half a pixel off",
    rung: "L0",
    plant: async ({ withPixels }) => ({
      plan: await withPixels((pixels, side) =>
        pixels.map((pixel, index) => {
          const isLastColumn = Math.floor(index / 3) % side === side - 1;
          return isLastColumn ? pixel : Math.round((pixel + (pixels[index + 3] ?? pixel)) / 2);
        }),
      ),
    }),
  },
  {
    name: "augmentation left out",
    rung: "L0",
    plant: async ({ plan }) => {
      const augmentation = { horizontalFlip: false, maxShift: 0 };
      return { plan: { ...plan, spec: { ...plan.spec, augmentation } } };
    },
  },
  {
    name: "weights rounded to float16",
    rung: "L0",
    plant: async ({ weights, withWeights }) => {
      const rounded = new Map<string, HostTensor>();
      for (const [name, tensor] of weights) {
        rounded.set(name, { ...tensor, data: Float32Array.from(tensor.data, toHalf) });
      }
      return { plan: await withWeights(rounded) };
    },
  },
  {
    name: "head initialised from another seed",
    rung: "L0",
    plant: async ({ weights, withWeights }) => {
      const head = weights.get("head/kernel");
      if (head === undefined) throw new ThawError("internal", "The network has no head/kernel.");
      const turned = { ...head, data: Float32Array.from(head.data).reverse() };
      return { plan: await withWeights(new Map([...weights, ["head/kernel", turned]])) };
    },
  },
];
