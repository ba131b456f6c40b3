import { type CaseInput, caseData } from "./kernel-cases.ts";
import { modelShapes } from "./model-shapes.ts";

/** What a batch normalization is tried on. */
export interface BatchNormInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly x: () => CaseInput;
  /** Scale and offset of every channel, repeated; random ones without. */
  readonly gamma?: readonly number[];
  readonly beta?: readonly number[];
  /** Moving mean of every channel, repeated; random ones without. */
  readonly mean?: readonly number[];
  /** A shape of the network itself. */
  readonly fromModel?: true;
  /** Gradients are asked for alone, too. */
  readonly partly?: true;
}

/** MobileNetV2's shapes and awkward ones. */
export function batchNormInputs(): BatchNormInput[] {
  const uniform =
    (shape: readonly number[], spread: number, center = 0) =>
    (): CaseInput =>
      caseData(shape.length + shape.reduce((sum, size) => 31 * sum + size, 7)).uniform(shape, spread, center);
  const repeat = (shape: readonly number[], values: readonly number[]) => (): CaseInput =>
    caseData(0).repeat(shape, values);
  const model = modelShapes().batchNorms.map(
    ({ name, shape }): BatchNormInput => ({ name, shape, x: uniform(shape, 3, 0.5), fromModel: true }),
  );
  const entry = (
    name: string,
    shape: readonly number[],
    x: (shape: readonly number[]) => () => CaseInput,
    rest: Pick<BatchNormInput, "gamma" | "beta" | "mean" | "partly"> = {},
  ): BatchNormInput => ({ name, shape, x: x(shape), ...rest });
  return [
    entry("one value per channel", [1, 1, 1, 3], (shape) => uniform(shape, 2), { partly: true }),
    entry("one channel", [2, 3, 5, 1], (shape) => uniform(shape, 2)),
    entry("odd image", [3, 5, 7, 6], (shape) => uniform(shape, 2), { partly: true }),
    entry("constant channels", [2, 4, 4, 3], (shape) => repeat(shape, [0, 3.7, -1234.567])),
    entry("mean far above the deviation", [4, 8, 8, 3], (shape) => uniform(shape, 0.1, 100)),
    entry("many values with their mean far above", [1, 61, 67, 2], (shape) => uniform(shape, 1, 1000)),
    entry("saturated ReLU6", [2, 6, 6, 4], (shape) => repeat(shape, [0, 6, 0, 6, 6, 6, 0]), { partly: true }),
    entry("values near the smallest normal", [2, 3, 3, 2], (shape) => uniform(shape, 3e-38)),
    entry("a ReLU behind it that lets nothing through", [2, 3, 4, 2], (shape) => uniform(shape, 1), { beta: [-9, 20] }),
    entry("a result on the kinks of ReLU6", [2, 2, 4, 4], (shape) => repeat(shape, [2, -4, 0, 1]), {
      beta: [0, 6, -1, 3],
      mean: [2, -4, 0, 1],
    }),
    ...model,
  ];
}
