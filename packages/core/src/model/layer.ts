/** Rows and columns of zeros around an image: `[[top, bottom], [left, right]]`. */
export type Padding = readonly [readonly [number, number], readonly [number, number]];

/** One weight of a layer, named as Keras names it. */
export interface WeightSpec {
  /** `kernel`, `bias`, `gamma`, `beta`, `moving_mean`, `moving_variance`, `mean`, `variance`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** False for what gradients never touch (statistics). */
  readonly trainable: boolean;
}

/** An activation without a kink at zero, by Keras 3's name. */
export type CurvedActivation = "silu" | "sigmoid" | "hard_silu" | "hard_sigmoid";

/** What may stand in the `activation` field of a Keras layer, by Keras 3's name. */
export type Activation = "linear" | "relu" | "relu6" | CurvedActivation;

interface ConvolutionOp {
  readonly strides: number;
  readonly padding: Padding;
  readonly useBias: boolean;
  /** Applied to the result; absent for `linear`. */
  readonly activation?: Exclude<Activation, "linear">;
}

/** What a layer computes, with the attributes that the computation needs. */
export type LayerOp =
  | { readonly type: "InputLayer" }
  /** `x · scale + offset`, `[channels]` each. */
  | { readonly type: "Rescaling"; readonly scale: readonly number[]; readonly offset: readonly number[] }
  /** `(x - mean) / √variance`: by its weights, or by numbers that the configuration gives, `[channels]` each. */
  | {
      readonly type: "Normalization";
      readonly given?: { readonly mean: readonly number[]; readonly variance: readonly number[] };
    }
  | { readonly type: "ZeroPadding2D"; readonly padding: Padding }
  | ({ readonly type: "Conv2D" } & ConvolutionOp)
  | ({ readonly type: "DepthwiseConv2D" } & ConvolutionOp)
  | { readonly type: "BatchNormalization"; readonly epsilon: number; readonly momentum: number }
  | { readonly type: "ReLU"; readonly maxValue: number | null }
  | { readonly type: "Activation"; readonly activation: "linear" | CurvedActivation }
  | { readonly type: "Add" }
  /** Of equal shapes, or of an image and a factor for each of its channels, `[1, 1, channels]`. */
  | { readonly type: "Multiply" }
  /** The padding counts as lower than every value. */
  | {
      readonly type: "MaxPooling2D";
      readonly poolSize: readonly [height: number, width: number];
      readonly strides: number;
      readonly padding: Padding;
    }
  /** `[channels]`, or with `keepDims` `[1, 1, channels]`. */
  | { readonly type: "GlobalAveragePooling2D"; readonly keepDims?: true }
  | { readonly type: "Reshape" }
  /** With `perImage` an image is kept or dropped as a whole (stochastic depth). */
  | { readonly type: "Dropout"; readonly rate: number; readonly perImage?: true }
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
  /** No layer of Keras's `model.layers`, but an operation on tensors between them (`x + 3`): freeze counts pass it over. */
  readonly operation?: true;
}

/**
 * What pixels of 0…255 become before the network sees them: `tf` is -1…1, `caffe` blue, green, red less ImageNet's
 * means, `none` 0…255 for a network that scales them itself.
 * @see keras.applications.imagenet_utils.preprocess_input
 */
export type Preprocessing = "tf" | "caffe" | "none";

/** A network: its layers in Keras's order, input first. */
export interface Model {
  readonly name: string;
  readonly preprocessing: Preprocessing;
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
