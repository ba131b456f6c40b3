import {
  type HostTensor,
  initialWeights,
  type Layer,
  loadImages,
  randomStream,
  sha256,
  tracePositions,
  writeSafetensors,
} from "@thaw/core";
import { describe, expect, it } from "vitest";
import { pythonCall } from "./python-call.ts";

const LABELS = ["order/1", "init/Conv1/kernel", "dropout/head_dropout/12", "", "Äpfel"];
const SEEDS = [0, 1, 3, 0x9e3779b9, 0xffffffff];

describe("the random numbers of the Python program", () => {
  it.each(SEEDS)("are those of the TypeScript, seed %i", async (seed) => {
    const code = `
from thaw_keras.random_stream import RandomStream
answer = []
for label in given["labels"]:
    stream = RandomStream(given["seed"], label)
    answer.append({
        "words": [int(word) for word in stream.draw(20)],
        "uniform": stream.uniforms(20).tolist(),
        "below": [stream.below(n) for n in given["limits"]],
        "shuffled": stream.shuffle(list(range(50))),
        "after": stream.next_uint32(),
    })`;
    const limits = [1, 2, 3, 7, 1000, 2 ** 31 + 1, 2 ** 32];
    const expected = LABELS.map((label) => {
      const stream = randomStream(seed, label);
      return {
        words: Array.from({ length: 20 }, () => stream.nextUint32()),
        uniform: Array.from({ length: 20 }, () => stream.uniform()),
        below: limits.map((n) => stream.below(n)),
        shuffled: stream.shuffle(Array.from({ length: 50 }, (_, index) => index)),
        after: stream.nextUint32(),
      };
    });
    expect(await pythonCall(code, { seed, labels: LABELS, limits })).toEqual(expected);
  });
});

describe("the files of the Python program", () => {
  it("are byte for byte those of the TypeScript", async () => {
    const code = `
import hashlib
import numpy as np
from thaw_keras.initial_weights import fresh
from thaw_keras.safetensors import parse, write
tensors = {name: fresh(name, tuple(shape), 5) for name, shape in given["weights"]}
tensors["wide"] = np.array([[0.1, 1 / 3]], dtype=np.float64)
tensors["pixels"] = np.arange(5, dtype=np.uint8)
tensors["labels"] = np.array([], dtype=np.int32)
data = write(tensors)
again = write(parse(data, "again"))
answer = [hashlib.sha256(data).hexdigest(), hashlib.sha256(again).hexdigest()]`;
    const weights = [
      { name: "kernel", shape: [3, 3, 8, 1], trainable: true },
      { name: "bias", shape: [8], trainable: true },
      { name: "gamma", shape: [8], trainable: true },
      { name: "moving_variance", shape: [8], trainable: false },
    ];
    const layer: Layer = { name: "ä", op: { type: "Dense" }, inputs: [], outputShape: [], weights, macs: 0 };
    const tensors = new Map<string, HostTensor>(initialWeights(layer, 5));
    tensors.set("wide", { dtype: "float64", shape: [1, 2], data: Float64Array.of(0.1, 1 / 3) });
    tensors.set("pixels", { dtype: "uint8", shape: [5], data: Uint8Array.of(0, 1, 2, 3, 4) });
    tensors.set("labels", { dtype: "int32", shape: [0], data: new Int32Array() });
    const expected = await sha256(writeSafetensors(tensors));
    const given = { weights: weights.map(({ name, shape }) => [`ä/${name}`, shape]) };
    expect(await pythonCall(code, given)).toEqual([expected, expected]);
  });

  it("keep the same values of a trace", async () => {
    const sizes = [0, 5, 65_536, 65_537, 1_000_003, 200_000_000];
    const code = `
import hashlib
from thaw_keras.tracer import trace_positions
answer = [hashlib.sha256(trace_positions(size).astype("<u4").tobytes()).hexdigest() for size in given]`;
    const digests = sizes.map((size) => sha256(new Uint8Array(tracePositions(size).buffer)));
    expect(await pythonCall(code, sizes)).toEqual(await Promise.all(digests));
  });
});

describe("the batches of the Python program", () => {
  it.each([
    { horizontalFlip: true, maxShift: 3, preprocessing: "tf" },
    { horizontalFlip: true, maxShift: 0, preprocessing: "caffe" },
    { horizontalFlip: false, maxShift: 9, preprocessing: "none" },
  ] as const)("are those of the TypeScript, %o", async ({ preprocessing, ...augmentation }) => {
    const [height, width, count] = [6, 7, 4];
    const random = randomStream(1, "pixels");
    const pixels = Uint8Array.from({ length: count * height * width * 3 }, () => random.below(256));
    const imageShape = [height, width, 3] as const;
    const ref = { sha256: await sha256(pixels), bytes: pixels.length, count };
    const dataset = {
      imageShape,
      shards: [ref],
      source: "",
      classes: [],
      labels: [],
      ids: [],
      hashes: [],
      decoding: {},
    };
    const images = await loadImages(dataset, preprocessing, async () => pixels);
    const order = [3, 0, 2, 1, 1];
    const batch = images.batch(order, augmentation, randomStream(7, "augment/1"));
    const code = `
import hashlib
from unittest import mock
import numpy as np
from thaw_keras import images
from thaw_keras.random_stream import RandomStream
with mock.patch.object(images, "read_blob", lambda store, ref: bytes(given["pixels"])):
    store = images.ImageStore(given["dataset"], "", "float32", given["preprocessing"])
batch = store.batch(given["order"], given["augmentation"], RandomStream(7, "augment/1"))
plain = store.batch(given["order"])
answer = [hashlib.sha256(batch.tobytes()).hexdigest(), str(batch.dtype), list(batch.shape),
          bool((store.to_pixels(plain) == np.array(given["pixels"]).reshape(4, 6, 7, 3)[given["order"]]).all())]`;
    const given = { pixels: [...pixels], dataset, order, augmentation, preprocessing };
    const expected = await sha256(new Uint8Array(batch.buffer));
    expect(await pythonCall(code, given)).toEqual([expected, "float32", [5, height, width, 3], true]);
  });
});
