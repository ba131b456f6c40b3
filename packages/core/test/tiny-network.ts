import type { Layer } from "../src/model/layer.ts";
import { tableBuilder } from "../src/model/table-builder.ts";

/** A network small enough for a plain JavaScript engine, in the two parts that freezing tells apart. */
export interface TinyNetwork {
  readonly base: readonly Layer[];
  readonly head: readonly Layer[];
  readonly layers: readonly Layer[];
}

/** Ends a base that ends in pooling with a classifier, and dropout where a rate is given. */
export function withHead(base: readonly Layer[], classes: number, dropout?: number): TinyNetwork {
  const last = base.at(-1);
  if (last === undefined) throw new Error("The base has no layer.");
  const [features = 0] = last.outputShape;
  const dropped: Layer[] =
    dropout === undefined
      ? []
      : [
          {
            name: "head_dropout",
            op: { type: "Dropout", rate: dropout },
            inputs: [last.name],
            outputShape: [features],
            weights: [],
            macs: 0,
          },
        ];
  const dense: Layer = {
    name: "head",
    op: { type: "Dense" },
    inputs: [dropped[0]?.name ?? last.name],
    outputShape: [classes],
    weights: [
      { name: "kernel", shape: [features, classes], trainable: true },
      { name: "bias", shape: [classes], trainable: true },
    ],
    macs: features * classes,
  };
  const head = [...dropped, dense];
  return { base, head, layers: [...base, ...head] };
}

/** The network of keras-batch-norm.json, see tiny_network in scripts/make_keras_goldens.py. */
export function batchNormNetwork(): TinyNetwork {
  const table = tableBuilder();
  let x = table.input("input", [7, 8, 3]);
  x = table.zeroPad("pad", x, [
    [1, 1],
    [0, 1],
  ]);
  x = table.conv2d("conv", x, 4, { kernelSize: 3, strides: 2, padding: "valid" });
  const shortcut = table.relu("conv_relu", table.batchNorm("conv_BN", x, 1e-3, 0.75), 6);
  x = table.depthwiseConv2d("depthwise", shortcut, { kernelSize: 3, strides: 1, padding: "same" });
  x = table.relu("depthwise_relu", table.batchNorm("depthwise_BN", x, 1e-2, 0.9375), 6);
  table.globalAveragePool("pool", table.add("add", shortcut, x));
  return withHead(table.layers, 3);
}

/** Everything that the executor knows: biases, both kinds of padding, strides, ReLU and ReLU6, two Adds, dropout. */
export function everyLayerNetwork(): TinyNetwork {
  const table = tableBuilder();
  let x = table.input("input", [9, 8, 3]);
  x = table.conv2d("stem", x, 6, { kernelSize: 3, strides: 2, padding: "same", useBias: true });
  x = table.relu("stem_relu", table.batchNorm("stem_BN", x, 1e-3, 0.9), 6);
  const first = x;
  x = table.depthwiseConv2d("a_depthwise", x, { kernelSize: 3, strides: 1, padding: "same" });
  x = table.relu("a_relu", table.batchNorm("a_BN", x, 1e-3, 0.9), null);
  x = table.conv2d("a_project", x, 6, { kernelSize: 1, strides: 1, padding: "same" });
  const second = table.add("a_add", first, x);
  x = table.batchNorm("b_BN", second, 1e-2, 0.9);
  x = table.add("b_add", second, x);
  x = table.zeroPad("pad", x, [
    [0, 1],
    [1, 1],
  ]);
  x = table.depthwiseConv2d("c_depthwise", x, { kernelSize: 3, strides: 2, padding: "valid", useBias: true });
  x = table.relu("c_relu", table.batchNorm("c_BN", x, 1e-3, 0.9), 6);
  x = table.conv2d("c_project", x, 5, { kernelSize: 1, strides: 1, padding: "valid", useBias: true });
  table.globalAveragePool("pool", x);
  return withHead(table.layers, 4, 0.25);
}

/** What the executor knows beside that: curves, factors for channels, max pooling, scaling, images dropped as a whole. */
export function otherLayersNetwork(): TinyNetwork {
  const table = tableBuilder();
  const pointwise = { kernelSize: 1, strides: 1, padding: "same", useBias: true } as const;
  let x = table.rescaling("scaled", table.input("input", [12, 11, 3]), [0.5, 1, 2], [0.1, 0, -0.1]);
  x = table.normalization("normalised", x);
  x = table.conv2d("stem", x, 6, {
    kernelSize: [3, 2],
    strides: 1,
    padding: "same",
    useBias: true,
    activation: "silu",
  });
  x = table.activation("stem_curve", table.batchNorm("stem_BN", x, 1e-5, 0.9), "hard_silu");
  x = table.maxPool("pool", x, { kernelSize: 3, strides: 2, padding: "same" });
  const trunk = x;
  let squeeze = table.reshape("squeezed", table.globalAveragePool("squeeze", x), [1, 1, 6]);
  squeeze = table.conv2d("reduce", squeeze, 4, { ...pointwise, activation: "relu" });
  squeeze = table.conv2d("expand", squeeze, 6, { ...pointwise, activation: "sigmoid" });
  x = table.multiply("excite", x, squeeze);
  x = table.dropout("drop", x, 0.4, { perImage: true });
  x = table.add("join", x, trunk);
  let gate = table.globalAveragePool("gate_pool", x, { keepDims: true });
  gate = table.activation("gate", table.conv2d("gate_conv", gate, 6, pointwise), "hard_sigmoid");
  x = table.multiply("gated", gate, x);
  x = table.depthwiseConv2d("depthwise", x, { kernelSize: 3, strides: 1, padding: "same", activation: "relu6" });
  x = table.relu("relu", table.batchNorm("BN", x, 1e-3, 0.9), null);
  x = table.batchNorm("again_BN", x, 1e-3, 0.9); // reads a ReLU alone, and is no convolution
  x = table.multiply("square", x, table.activation("same", x, "linear"));
  x = table.rescaling("shifted", x, 1 / 6, 3);
  table.markOperation();
  x = table.dropout("drop_values", table.activation("curve", x, "silu"), 0.2);
  x = table.normalization("given", x, { mean: [0, 1, 2, 0, 1, 2], variance: [1, 2, 3, 1, 2, 3] });
  table.globalAveragePool("features", x);
  return withHead(table.layers, 4);
}
