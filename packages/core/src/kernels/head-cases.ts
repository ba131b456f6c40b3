import { type CaseInput, caseData, input, type KernelCase } from "./kernel-cases.ts";
import type { OptimizerUpdate } from "./kernels.ts";

const data = caseData(4000);

function denseCases(): KernelCase[] {
  const sizes = [
    [2, 1280, 6],
    [8, 1280, 19],
    [1, 1, 1],
    [5, 7, 3],
  ] as const;
  return sizes.flatMap(([batch, inputs, units]): KernelCase[] => {
    const name = `[${batch}, ${inputs}] · [${inputs}, ${units}]`;
    const [x, kernel] = [data.uniform([batch, inputs], 3), data.uniform([inputs, units])];
    const [bias, dy] = [data.uniform([units]), data.uniform([batch, units])];
    return [
      {
        kernel: "dense",
        name,
        inputs: [x, kernel, bias],
        run: (kernels, given) => ({ y: kernels.dense(input(given, 0), input(given, 1), input(given, 2)) }),
      },
      {
        kernel: "denseInputGradient",
        name,
        inputs: [dy, kernel],
        run: (kernels, given) => ({ dx: kernels.denseInputGradient(input(given, 0), input(given, 1)) }),
      },
      {
        kernel: "denseKernelGradient",
        name,
        inputs: [x, dy],
        run: (kernels, given) => ({ dKernel: kernels.denseKernelGradient(input(given, 0), input(given, 1)) }),
      },
    ];
  });
}

function lossCases(): KernelCase[] {
  const rows: readonly { name: string; batch: number; classes: number; logits: CaseInput }[] = [
    { name: "six classes", batch: 8, classes: 6, logits: data.uniform([8, 6], 3) },
    { name: "one class", batch: 2, classes: 1, logits: data.uniform([2, 1]) },
    { name: "a thousand classes", batch: 3, classes: 1000, logits: data.uniform([3, 1000], 5) },
    { name: "equal logits", batch: 2, classes: 4, logits: data.repeat([2, 4], [1.5]) },
    {
      name: "logits of ±80",
      batch: 6,
      classes: 3,
      logits: data.repeat([6, 3], [80, -80, 79, -80, 80, 0, -80, -79, -80]),
    },
    { name: "logits of ±10000", batch: 4, classes: 3, logits: data.repeat([4, 3], [1e4, -1e4, 0, -1e4, 9999, 1e4]) },
    { name: "large equal logits", batch: 2, classes: 5, logits: data.repeat([2, 5], [-1e4]) },
    { name: "logits far from zero", batch: 4, classes: 5, logits: data.uniform([4, 5], 4, 10_000) },
  ];
  return rows.flatMap(({ name, batch, classes, logits }): KernelCase[] => {
    const labels = data.labels(batch, classes);
    return [
      {
        kernel: "softmaxCrossEntropy",
        name,
        inputs: [logits, labels],
        run: (kernels, given) => ({ ...kernels.softmaxCrossEntropy(input(given, 0), input(given, 1)) }),
      },
      {
        kernel: "softmaxCrossEntropyGradient",
        name,
        inputs: [data.between([batch, classes], 0, 1), labels],
        run: (kernels, given) => ({ dLogits: kernels.softmaxCrossEntropyGradient(input(given, 0), input(given, 1)) }),
      },
    ];
  });
}

const UPDATES: readonly (readonly [string, OptimizerUpdate, slots: number])[] = [
  ["SGD", { type: "sgd", stepSize: 0.01, momentum: 0, nesterov: false }, 0],
  ["SGD with momentum", { type: "sgd", stepSize: 0.01, momentum: 0.9, nesterov: false }, 1],
  ["SGD with Nesterov momentum", { type: "sgd", stepSize: 0.01, momentum: 0.9, nesterov: true }, 1],
  ["RMSprop", { type: "rmsprop", stepSize: 1e-3, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false }, 1],
  [
    "RMSprop with momentum",
    { type: "rmsprop", stepSize: 1e-3, rho: 0.9, momentum: 0.9, epsilon: 1e-7, centered: false },
    2,
  ],
  ["centred RMSprop", { type: "rmsprop", stepSize: 1e-3, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: true }, 2],
  [
    "centred RMSprop with momentum",
    { type: "rmsprop", stepSize: 1e-3, rho: 0.9, momentum: 0.9, epsilon: 1e-7, centered: true },
    3,
  ],
  ["Adam", { type: "adam", stepSize: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }, 2],
  ["Adam with other betas", { type: "adam", stepSize: 1e-5, beta1: 0.5, beta2: 0.99, epsilon: 1e-3 }, 2],
];

const GROUPS: readonly (readonly [string, readonly (readonly number[])[]])[] = [
  ["one weight", [[3, 3, 5, 1]]],
  ["a block", [[1, 1, 8, 48], [48], [48], [3, 3, 48, 1], [48], [48], [1, 1, 48, 8], [8], [8]]],
  ["a scalar among others", [[1], [2, 3], [1]]],
];

/** Gradients of every size that training meets. */
const GRADIENTS = [0.3, -0.02, 0, 1e-20, -40, 1e-7, -1e-4, 0.7, 1e3];

function optimizerCases(): KernelCase[] {
  return UPDATES.flatMap(([optimizer, update, slotCount]) =>
    GROUPS.flatMap(([group, shapes]) =>
      (group === "a block" ? ["fresh", "used"] : ["used"]).map((age): KernelCase => {
        const total = shapes.reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
        // A centred RMSprop keeps E[g²] ≥ E[g]²: slots of 0.5 … 1 and of ±0.1 do.
        const slot = (index: number): CaseInput =>
          age === "fresh"
            ? data.repeat([total], [0])
            : index === (update.type === "adam" ? 1 : 0)
              ? data.between([total], 0.5, 1)
              : data.uniform([total], 0.1);
        const slots = Array.from({ length: slotCount }, (_, index) => slot(index));
        const count = shapes.length;
        return {
          kernel: "optimizerStep",
          name: `${optimizer}, ${group}, ${age} slots`,
          inputs: [
            ...shapes.map((shape) => data.uniform(shape)),
            ...shapes.map((shape) => data.repeat(shape, GRADIENTS)),
            ...slots,
          ],
          consumes: true,
          run(kernels, given) {
            const [weights, gradients] = [given.slice(0, count), given.slice(count, 2 * count)];
            const next = kernels.optimizerStep(update, weights, gradients, given.slice(2 * count));
            return Object.fromEntries([
              ...next.weights.map((tensor, index) => [`weight ${index}`, tensor] as const),
              ...next.slots.map((tensor, index) => [`slot ${index}`, tensor] as const),
            ]);
          },
        };
      }),
    ),
  );
}

/** Dense layer, loss and optimizers. */
export function headCases(): KernelCase[] {
  return [...denseCases(), ...lossCases(), ...optimizerCases()];
}
