import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels, LayerTreatment, OptimizerUpdate, PhasePlan, Plan } from "@thaw/core";
import type { RunFault } from "./fault.ts";

type Set = Kernels<Tensor>;

/** Changes how single layers are treated, behind the plan's back. */
function treated(plan: Plan, change: (treatment: LayerTreatment, index: number) => Partial<LayerTreatment>): Plan {
  return withPhase(plan, ({ treatments }) => ({
    treatments: treatments.map((treatment, index) => ({ ...treatment, ...change(treatment, index) })),
  }));
}

function withPhase(plan: Plan, change: (phase: PhasePlan) => Partial<PhasePlan>): Plan {
  return { ...plan, phases: plan.phases.map((phase) => ({ ...phase, ...change(phase) })) };
}

/** The first layer of a kind that is frozen, or trains. */
function firstOf(plan: Plan, type: LayerTreatment["type"], trainable: boolean): number {
  const treatments = plan.phases[0]?.treatments ?? [];
  return treatments.findIndex((row) => row.type === type && row.trainable === trainable && row.params > 0);
}

function optimizing(
  kernels: Set,
  change: (update: OptimizerUpdate & { type: "adam" }, step: number) => OptimizerUpdate,
): Set {
  const groups = new Map<number, number>();
  return {
    ...kernels,
    optimizerStep: (update, weights, gradients, slots) => {
      // One call a parameter group and step: a group is known by how many weights it has.
      const step = (groups.get(weights.length) ?? 0) + 1;
      groups.set(weights.length, step);
      return kernels.optimizerStep(update.type === "adam" ? change(update, step) : update, weights, gradients, slots);
    },
  };
}

/** Both of Adam's bias corrections, as they stand in the step size. */
function biasCorrection({ beta1, beta2 }: { beta1: number; beta2: number }, time: number): number {
  return Math.sqrt(1 - beta2 ** time) / (1 - beta1 ** time);
}

/** Knows whether a step is on its way back: from the loss's gradient to the optimizer. */
function backwardOnly(kernels: Set, change: (kernels: Set, goesBack: () => boolean) => Partial<Set>): Set {
  let back = false;
  return {
    ...kernels,
    ...change(kernels, () => back),
    softmaxCrossEntropyGradient: (probabilities, labels) => {
      back = true;
      return kernels.softmaxCrossEntropyGradient(probabilities, labels);
    },
    optimizerStep: (update, weights, gradients, slots) => {
      back = false;
      return kernels.optimizerStep(update, weights, gradients, slots);
    },
  };
}

/** One frozen weight that is one ULP away once the optimizer has been at work, as stray writes to memory do. */
function straying(kernels: Set): Set {
  let first: Tensor | undefined;
  let moved = false;
  return {
    ...kernels,
    upload: (data, shape) => {
      const tensor = kernels.upload(data, shape);
      if (shape.length === 4) first ??= tensor; // the first convolution's kernel
      return tensor;
    },
    optimizerStep: (update, weights, gradients, slots) => {
      moved = true;
      return kernels.optimizerStep(update, weights, gradients, slots);
    },
    download: async (tensor) => {
      const data = await kernels.download(tensor);
      if (tensor !== first || !moved) return data;
      const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
      bits[7] = (bits[7] ?? 0) + 1;
      return data;
    },
  };
}

/** Faults in how a run is put together. */
export const LOOP_FAULTS: readonly RunFault[] = [
  {
    name: "frozen batch normalization by batch statistics",
    rung: "L2",
    plant: async ({ plan }) => ({
      plan: treated(plan, ({ batchNormMode }) => (batchNormMode === null ? {} : { batchNormMode: "batch-stats" })),
    }),
  },
  {
    name: "trainable batch normalization by moving statistics",
    rung: "L2",
    plant: async ({ plan }) => ({
      plan: treated(plan, ({ batchNormMode }) => (batchNormMode === null ? {} : { batchNormMode: "inference" })),
    }),
  },
  {
    name: "one layer unfrozen too many",
    rung: "L3",
    plant: async ({ plan }) => {
      const last = plan.phases[0]?.treatments.findLastIndex(({ trainable, type }) => !trainable && type === "Conv2D");
      return {
        plan: treated(plan, ({ params }, index) =>
          index === last ? { trainable: true, lrMultiplier: 1, trainableParams: params } : {},
        ),
      };
    },
  },
  {
    name: "one layer frozen too many",
    rung: "L3",
    plant: async ({ plan }) => {
      const first = firstOf(plan, "Conv2D", true);
      return {
        plan: treated(plan, (_, index) =>
          index === first ? { trainable: false, lrMultiplier: 0, trainableParams: 0 } : {},
        ),
      };
    },
  },
  {
    name: "one frozen weight moves by 1 ULP",
    rung: "L3",
    plant: async ({ kernels }) => ({ kernels: straying(kernels) }),
  },
  {
    name: "gradients of a residual's two ways not added",
    rung: "L3",
    plant: async ({ kernels, tf }) => ({
      kernels: backwardOnly(kernels, (healthy, goesBack) => ({
        add: (a, b) => (goesBack() ? tf.clone(a) : healthy.add(a, b)),
      })),
    }),
  },
  {
    name: "gradients averaged over the batch twice",
    rung: "L3",
    plant: async ({ kernels, tf }) => ({
      kernels: {
        ...kernels,
        softmaxCrossEntropyGradient: (probabilities, labels) => {
          const gradient = kernels.softmaxCrossEntropyGradient(probabilities, labels);
          const twice = tf.div(gradient, labels.shape[0] ?? 1);
          kernels.dispose(gradient);
          return twice as Tensor;
        },
      },
    }),
  },
  {
    name: "batch normalization's gradient as if its statistics were constants",
    rung: "L3",
    plant: async ({ kernels }) => ({
      kernels: {
        ...kernels,
        batchNormTrainGradient: (dy, x, gamma, { mean, variance }, epsilon, needs) =>
          kernels.batchNormInferenceGradient(dy, x, gamma, mean, variance, epsilon, needs),
      },
    }),
  },
  {
    name: "moving statistics with momentum 0.99",
    rung: "L3",
    plant: async ({ kernels }) => ({
      kernels: { ...kernels, movingAverage: (moving, value) => kernels.movingAverage(moving, value, 0.99) },
    }),
  },
  {
    name: "moving statistics not updated",
    rung: "L3",
    plant: async ({ kernels }) => ({
      kernels: { ...kernels, movingAverage: (moving, value) => kernels.movingAverage(moving, value, 1) },
    }),
  },
  {
    name: "moving variance from the Bessel-corrected variance",
    rung: "L3",
    plant: async ({ kernels, tf }) => ({
      kernels: {
        ...kernels,
        batchNormTrain: (x, gamma, beta, epsilon) => {
          const trained = kernels.batchNormTrain(x, gamma, beta, epsilon);
          const n = x.size / (x.shape.at(-1) ?? 1);
          const variance = tf.mul(trained.variance, n / (n - 1)) as Tensor;
          return { ...trained, variance, saved: [...trained.saved, trained.variance] };
        },
        batchNormTrainGradient: (dy, x, gamma, { mean, saved }, epsilon, needs) =>
          kernels.batchNormTrainGradient(
            dy,
            x,
            gamma,
            { mean, variance: saved.at(-1) as Tensor, saved: saved.slice(0, -1) },
            epsilon,
            needs,
          ),
      },
    }),
  },
  {
    name: "Adam without bias correction",
    rung: "L4",
    plant: async ({ kernels }) => ({
      kernels: optimizing(kernels, (update, step) => ({
        ...update,
        stepSize: update.stepSize / biasCorrection(update, step),
      })),
    }),
  },
  {
    name: "Adam's bias correction one step ahead",
    rung: "L4",
    plant: async ({ kernels }) => ({
      kernels: optimizing(kernels, (update, step) => ({
        ...update,
        stepSize: (update.stepSize / biasCorrection(update, step)) * biasCorrection(update, step + 1),
      })),
    }),
  },
  {
    name: "Adam with beta2 of 0.99",
    rung: "L4",
    plant: async ({ kernels }) => ({ kernels: optimizing(kernels, (update) => ({ ...update, beta2: 0.99 })) }),
  },
  {
    name: "Adam with an epsilon of 1e-4",
    rung: "L4",
    plant: async ({ kernels }) => ({ kernels: optimizing(kernels, (update) => ({ ...update, epsilon: 1e-4 })) }),
  },
  {
    name: "momentum (beta1) left out",
    rung: "L4",
    plant: async ({ kernels }) => ({ kernels: optimizing(kernels, (update) => ({ ...update, beta1: 0 })) }),
  },
  {
    name: "learning-rate schedule one step late",
    rung: "L4",
    plant: async ({ plan }) => ({
      plan: withPhase(plan, ({ optimizer }) => {
        const { learningRate } = optimizer;
        if (typeof learningRate === "number" || learningRate.schedule !== "exponential") return {};
        const initial = learningRate.initial / learningRate.decayRate ** (1 / learningRate.decaySteps);
        return { optimizer: { ...optimizer, learningRate: { ...learningRate, initial } } };
      }),
    }),
  },
  {
    name: "learning-rate multiplier of the head ignored",
    rung: "L4",
    plant: async ({ plan }) => ({
      plan: treated(plan, ({ trainable }) => (trainable ? { lrMultiplier: 1 } : {})),
    }),
  },
  {
    name: "batches one image larger",
    rung: "L0",
    plant: async ({ plan }) => ({ plan: { ...plan, spec: { ...plan.spec, batchSize: plan.spec.batchSize + 1 } } }),
  },
];
