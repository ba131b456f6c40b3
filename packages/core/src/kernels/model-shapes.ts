import type { Layer, Padding } from "../model/layer.ts";
import { mobileNetV2 } from "../model/mobilenet-v2.ts";
import { spread } from "./kernel-cases.ts";
import type { Window } from "./kernels.ts";

/** A convolution by its shapes. */
export interface ConvolutionShape {
  readonly name: string;
  readonly depthwise: boolean;
  readonly inputShape: readonly [batch: number, height: number, width: number, channels: number];
  readonly kernelShape: readonly [height: number, width: number, inChannels: number, outChannels: number];
  readonly window: Window;
}

/** Shapes that MobileNetV2 really has, read from the layer table; each once, named by its first layer. */
export interface ModelShapes {
  readonly convolutions: readonly ConvolutionShape[];
  readonly batchNorms: readonly NamedShape[];
  readonly poolings: readonly NamedShape[];
  readonly paddings: readonly (NamedShape & { readonly padding: Padding })[];
}

/** A tensor's shape, with the layer that has it. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly [batch: number, height: number, width: number, channels: number];
}

const BATCH = 1;

function distinct<S extends { readonly name: string }>(shapes: readonly S[]): S[] {
  const byShape = new Map<string, S>();
  for (const shape of shapes) {
    const key = JSON.stringify({ ...shape, name: "" });
    if (!byShape.has(key)) byShape.set(key, shape);
  }
  return [...byShape.values()];
}

function shapesOf(alpha: number, imageSize: number): ModelShapes {
  const { layers } = mobileNetV2({ alpha, imageSize });
  const outputs = new Map(layers.map((layer) => [layer.name, layer.outputShape]));
  const label = `alpha ${alpha}, ${imageSize} px: `;
  const inputOf = ({ name, inputs }: Layer): NamedShape => {
    const [height = 0, width = 0, channels = 0] = outputs.get(inputs[0] ?? "") ?? [];
    return { name: label + name, shape: [BATCH, height, width, channels] };
  };
  const convolutions = layers.flatMap((layer): ConvolutionShape[] => {
    const { op, weights } = layer;
    if (op.type !== "Conv2D" && op.type !== "DepthwiseConv2D") return [];
    const { name, shape: inputShape } = inputOf(layer);
    const [height = 0, width = 0, inChannels = 0, outChannels = 0] = weights[0]?.shape ?? [];
    const depthwise = op.type === "DepthwiseConv2D";
    const window = { strides: op.strides, padding: op.padding };
    return [{ name, depthwise, inputShape, kernelShape: [height, width, inChannels, outChannels], window }];
  });
  const named = (type: Layer["op"]["type"]): NamedShape[] =>
    distinct(layers.filter(({ op }) => op.type === type).map(inputOf));
  const paddings = layers.flatMap((layer) =>
    layer.op.type === "ZeroPadding2D" ? [{ ...inputOf(layer), padding: layer.op.padding }] : [],
  );
  return {
    convolutions: distinct(convolutions),
    batchNorms: named("BatchNormalization"),
    poolings: named("GlobalAveragePooling2D"),
    paddings: distinct(paddings),
  };
}

/** Every shape of the smallest common network, and a few of the article's: first and last, and some between. */
export function modelShapes(): ModelShapes {
  const [all, large] = [shapesOf(0.35, 96), shapesOf(1, 160)];
  const few = <S extends ConvolutionShape>(shapes: readonly S[], count: number, matches: (shape: S) => boolean): S[] =>
    spread(shapes.filter(matches), count);
  return {
    convolutions: [
      ...all.convolutions,
      ...few(large.convolutions, 3, ({ depthwise }) => !depthwise),
      ...few(large.convolutions, 1, ({ depthwise, window }) => depthwise && window.strides === 1),
      ...few(large.convolutions, 2, ({ depthwise, window }) => depthwise && window.strides === 2),
    ],
    batchNorms: [...all.batchNorms, ...large.batchNorms.slice(0, 1)],
    poolings: [...all.poolings, ...large.poolings],
    paddings: [...all.paddings, ...spread(large.paddings, 2)],
  };
}
