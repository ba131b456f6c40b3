import type { Tensor } from "@tensorflow/tfjs-core";
import type { CurvedActivation } from "../model/layer.ts";
import type { Kernels } from "./kernels.ts";
import type { Tfjs } from "./tfjs-kernels.ts";

type ImageOp = "reshape" | "scaleChannels" | "scaleChannelsGradient" | "activate" | "activateGradient";

/** The curves and their slopes; temporary tensors are the caller's tidy's. */
function curves(tf: Tfjs): Readonly<Record<CurvedActivation, { value(x: Tensor): Tensor; slope(x: Tensor): Tensor }>> {
  const hardSigmoid = (x: Tensor): Tensor => tf.div(tf.clipByValue(tf.add(x, 3), 0, 6), 6);
  /** 1 between the kinks, 0 outside. */
  const inside = (x: Tensor): Tensor => tf.cast(tf.logicalAnd(tf.greater(x, -3), tf.less(x, 3)), "float32");
  return {
    sigmoid: {
      value: (x) => tf.sigmoid(x),
      slope: (x) => tf.mul(tf.sigmoid(x), tf.sub(1, tf.sigmoid(x))),
    },
    silu: {
      value: (x) => tf.mul(x, tf.sigmoid(x)),
      slope(x) {
        const sigmoid = tf.sigmoid(x);
        return tf.mul(sigmoid, tf.add(tf.mul(x, tf.sub(1, sigmoid)), 1));
      },
    },
    hard_sigmoid: {
      value: hardSigmoid,
      slope: (x) => tf.div(inside(x), 6),
    },
    hard_silu: {
      value: (x) => tf.mul(x, hardSigmoid(x)),
      slope: (x) => tf.add(hardSigmoid(x), tf.div(tf.mul(x, inside(x)), 6)),
    },
  };
}

/** Activations with a curve and channel factors on any tfjs backend. */
export function imageOpKernels(tf: Tfjs): Pick<Kernels<Tensor>, ImageOp> {
  const curve = curves(tf);

  return {
    reshape: (x, shape) => tf.reshape(x, [...shape]),
    scaleChannels: (x, factors) => tf.mul(x, factors),
    scaleChannelsGradient: (dy, x) => tf.tidy(() => tf.sum(tf.mul(dy, x), [1, 2], true)),
    activate: (x, activation) => tf.tidy(() => curve[activation].value(x)),
    activateGradient: (dy, x, activation) => tf.tidy(() => tf.mul(dy, curve[activation].slope(x))),
  };
}
