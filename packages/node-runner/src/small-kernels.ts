import type { Tensor } from "@tensorflow/tfjs-core";
import type { Kernels, Tfjs } from "@thaw/core";
import type { EagerOps } from "./eager-ops.ts";
import { attributes } from "./operation-attributes.ts";

/** Bytes as they lie, four in a word; the last word is filled up. */
function inWords(bytes: Uint8Array): Int32Array {
  const whole = bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0;
  if (whole) return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const words = new Int32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

/** Small things that TensorFlow does with a detour. */
export function smallKernels(tf: Tfjs, ops: EagerOps): Partial<Kernels<Tensor>> {
  return {
    add: (a, b) => ops.one("ThawAdd", [a, b], attributes()),
    upload(data, shape) {
      // tfjs-node's tensor lies in the array itself. A copy in JavaScript would be the garbage collector's.
      const borrowed = tf.tensor(data, [...shape], "float32");
      const copy = ops.one("ThawCopy", [borrowed], attributes());
      borrowed.dispose();
      return copy;
    },
    lend: (data, shape) => tf.tensor(data, [...shape], "float32"),
    globalAveragePool: (x) => ops.one("ThawGlobalAveragePool", [x], attributes()),
    globalAveragePoolGradient: (dy, inputShape) =>
      ops.one("ThawGlobalAveragePoolGradient", [dy], attributes({ ints: { input_shape: [...inputShape] } })),
    dense: (x, kernel, bias) => ops.one("ThawDense", [x, kernel, bias], attributes()),
    denseInputGradient: (dy, kernel) => ops.one("ThawDenseInputGradient", [dy, kernel], attributes()),
    denseKernelGradient: (x, dy) => ops.one("ThawDenseKernelGradient", [x, dy], attributes()),
    biasGradient: (dy) => ops.one("ThawBiasGradient", [dy], attributes()),
    softmaxCrossEntropy(logits, labels) {
      const outputs = ops.many("ThawSoftmaxCrossEntropy", [logits, labels], 2, attributes());
      const [probabilities, losses] = outputs as [Tensor, Tensor];
      return { probabilities, losses };
    },
    softmaxCrossEntropyGradient: (probabilities, labels) =>
      ops.one("ThawSoftmaxCrossEntropyGradient", [probabilities, labels], attributes()),
    uploadPixels(pixels, shape) {
      // tfjs knows no bytes: they travel as int32, four at a time.
      const packed = tf.tensor1d(inWords(pixels), "int32");
      const scaled = ops.one("ThawScalePixels", [packed], attributes({ ints: { shape: [...shape] } }));
      packed.dispose();
      return scaled;
    },
  };
}
