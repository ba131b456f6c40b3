/** Rows and columns of zeros around an image: `[[top, bottom], [left, right]]`. */
export type Padding = readonly [readonly [number, number], readonly [number, number]];

/** One weight of a layer, named as Keras names it. */
export interface WeightSpec {
  /** `kernel`, `bias`, `gamma`, `beta`, `moving_mean`, `moving_variance`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** False for what gradients never touch (moving statistics). */
  readonly trainable: boolean;
}

/** What a layer computes, with the attributes that the computation needs. */
export type LayerOp =
  | { readonly type: "InputLayer" }
  | { readonly type: "ZeroPadding2D"; readonly padding: Padding }
  | { readonly type: "Conv2D"; readonly strides: number; readonly padding: Padding; readonly useBias: boolean }
  | { readonly type: "DepthwiseConv2D"; readonly strides: number; readonly padding: Padding; readonly useBias: boolean }
  | { readonly type: "BatchNormalization"; readonly epsilon: number; readonly momentum: number }
  | { readonly type: "ReLU"; readonly maxValue: number | null }
  | { readonly type: "Add" }
  | { readonly type: "GlobalAveragePooling2D" }
  | { readonly type: "Dropout"; readonly rate: number }
  | { readonly type: "Dense" };

/** One row of the layer table: a Keras layer as data. */
export interface Layer {
  /** Keras's name, e.g. `block_13_expand_BN`. */
  readonly name: string;
  readonly op: LayerOp;
  /** Names of the layers whose outputs come in. */
  readonly inputs: readonly string[];
  /** Without the batch axis: `[height, width, channels]` or `[units]`. */
  readonly outputShape: readonly number[];
  readonly weights: readonly WeightSpec[];
  /** Multiply-accumulates for one image, forward. */
  readonly macs: number;
}

/** A network: its layers in Keras's order, input first. */
export interface Model {
  readonly name: string;
  /** `[height, width, 3]`. */
  readonly inputShape: readonly [number, number, number];
  /** Base network without the classification head, in Keras's order. */
  readonly layers: readonly Layer[];
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** Number of weights in a layer, moving statistics included. */
export function parameterCount(layer: Layer): number {
  return layer.weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0);
}
