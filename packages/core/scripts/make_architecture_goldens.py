"""Writes what tests of the architectures compare with: configurations that Keras itself gives its networks, into
../test/golden/architectures, and the numbers of one step of each in float64, into benchmarks/test/golden/architectures.

    PYTHONPATH=packages/keras-runner/python VENV/bin/python packages/core/scripts/make_architecture_goldens.py

with the Keras of packages/keras-runner/python/requirements.txt, and with `tf_keras` for the file of Keras 2. Takes two
minutes, most of them for drawing ResNet50's weights.
"""

import functools
import gzip
import json
import os
import pathlib
from types import SimpleNamespace
from unittest import mock

os.environ.update(KERAS_BACKEND="tensorflow", TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from thaw_keras.architectures import build_base  # noqa: E402
from thaw_keras.images import ImageStore  # noqa: E402
from thaw_keras.network import Network  # noqa: E402
from thaw_keras.random_stream import RandomStream  # noqa: E402
from thaw_keras.run_state import RunState  # noqa: E402

OUT = pathlib.Path(__file__).parent.parent / "test" / "golden" / "architectures"
STEPS = pathlib.Path(__file__).parents[3] / "benchmarks" / "test" / "golden" / "architectures"
VERSIONS = {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}
SIZES = (64, 97)
"""Pixels; of an odd image the padding is another."""

# Freeze depths of each network: everything trains, and a cut within a block.
CASES = {
    "MobileNet": {"preprocessing": "tf", "depths": (0, 41)},
    "ResNet50": {"preprocessing": "caffe", "depths": (0, 100)},
    "MobileNetV3Small": {"preprocessing": "none", "depths": (0, 77)},
    "EfficientNetB0": {"preprocessing": "none", "depths": (0, 122)},
}
IMAGE_SIZE, BATCH, CLASSES = 48, 4, 3
SAMPLES = 24
"""Values that are kept of a tensor, evenly spread."""


def write_gzip(name, text):
    with open(OUT / name, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode())


def application(name, size, **options):
    keras.backend.clear_session()
    return getattr(keras.applications, name)(input_shape=(size, size, 3), include_top=False, pooling="avg", **options)


def configuration(name, size):
    """What Keras says of its network. EfficientNet has a layer more with ImageNet's weights, which are not needed."""
    if name != "EfficientNetB0":
        return application(name, size, weights=None).to_json()
    with (
        mock.patch("keras.src.applications.efficientnet.file_utils.get_file", lambda *_, **__: ""),
        mock.patch.object(keras.Model, "load_weights", lambda *_: None),
    ):
        return application(name, size, weights="imagenet").to_json()


def plan_of(name, layers):
    model = {"architecture": name, "alpha": 1, "imageSize": IMAGE_SIZE, "pooling": "avg"}
    return {
        "spec": {"model": {**model, "head": {"name": "head", "dropout": 0}}, "seed": 7},
        "dataset": {"classes": ["a", "b", "c"]},
        "phases": [{"treatments": [{"name": layer} for layer in layers]}],
    }


@functools.cache
def golden_weight(name, shape):
    """A weight by its name, float32: He uniform kernels, statistics and scales around those of a trained network."""
    kind = name.rsplit("/", 1)[1]
    uniform = RandomStream(7, f"golden/{name}").uniforms(int(np.prod(shape)))
    if kind == "kernel":
        fan_in = int(np.prod(shape[:2])) if len(shape) == 4 and shape[3] == 1 else int(np.prod(shape[:-1]))
        values = (uniform * 2 - 1) * np.sqrt(6 / fan_in)
    elif kind in ("gamma", "moving_variance", "variance"):
        values = 0.5 + uniform / 2
    else:
        values = (uniform * 2 - 1) / 10
    return values.astype(np.float32).reshape(shape)


def use_dtype(dtype):
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


def sampled(values):
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    count = min(SAMPLES, flat.size)
    return {"norm": float(np.linalg.norm(flat)), "values": flat[np.arange(count) * flat.size // count].tolist()}


def spread(items, count):
    return [items[round(index * (len(items) - 1) / (count - 1))] for index in range(count)]


def images(preprocessing):
    pixels = np.array(RandomStream(7, "golden/images").draw(BATCH * IMAGE_SIZE**2 * 3) % 256, dtype=np.uint8)
    dataset = {"imageShape": [IMAGE_SIZE, IMAGE_SIZE, 3], "shards": [{"count": BATCH}]}
    with mock.patch("thaw_keras.images.read_blob", lambda *_: pixels.tobytes()):
        store = ImageStore(dataset, "", "float32", preprocessing)
    return store.batch(range(BATCH)).astype(keras.config.floatx())


def step(name, preprocessing, depth, dtype):
    """One training step: what comes out, what flows back, and where the moving statistics go."""
    use_dtype(dtype)
    keras.backend.clear_session()
    base = build_base(plan_of(name, []))
    counted = [layer.name for layer in base.layers]
    plan = plan_of(name, [entry.name for entry in base.operations] + ["head"])
    network = Network(plan)
    for layer in network.layers:
        for weight, variable in network.variables(layer).items():
            variable.assign(golden_weight(weight, tuple(variable.shape)))
        if isinstance(network.layer(layer), keras.layers.Normalization):
            network.layer(layer).finalize_state()
    for layer in counted[:depth]:
        network.layer(layer).trainable = False
    state = RunState(plan, None, SimpleNamespace(dtype=dtype), network, None, None, None)
    labels = np.arange(BATCH) % CLASSES
    with tf.GradientTape() as tape:
        logits = network.model(state.inputs(images(preprocessing), 1), training=True)
        losses = keras.ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        loss = tf.reduce_mean(losses)
    trainable = {id(variable) for variable in network.model.trainable_variables}
    trained = [weight for weight in network.names if id(network.variable(weight)) in trainable]
    chosen = [*spread(trained, 12), "head/kernel"]
    gradients = tape.gradient(loss, [network.variable(weight).value for weight in chosen])
    moving = [weight for weight in network.names if "/moving_" in weight]
    return {
        "trained": len(trained),
        "logits": logits.numpy().reshape(-1).tolist(),
        "loss": float(loss),
        "gradients": {weight: sampled(gradient) for weight, gradient in zip(chosen, gradients, strict=True)},
        "moving": {weight: sampled(network.variable(weight)) for weight in spread(moving, 9)},
    }


def keras2_configuration():
    """The same small network as Keras 2 writes it; None where tf_keras is not installed."""
    try:
        import tf_keras as k
    except ImportError:
        return None
    x = inputs = k.Input((32, 32, 3))
    x = k.layers.Rescaling(1 / 127.5, -1)(x)
    x = k.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = k.layers.ReLU(6.0)(k.layers.BatchNormalization(name="stem_bn")(x))
    branch = k.layers.DepthwiseConv2D(3, padding="same", activation="swish", name="branch")(x)
    x = k.layers.Add(name="join")([x, branch])
    x = k.layers.Activation("relu")(k.layers.MaxPooling2D(2)(x))
    model = k.Model(inputs, k.layers.GlobalAveragePooling2D()(x), name="small")
    return model.to_json()


def main():
    for folder in (OUT, STEPS):
        folder.mkdir(exist_ok=True)
    for name, case in CASES.items():
        use_dtype("float32")
        for size in SIZES:
            write_gzip(f"{name}-{size}.config.json.gz", configuration(name, size))
        steps = {}
        for depth in case["depths"]:
            exact, rounded = (step(name, case["preprocessing"], depth, dtype) for dtype in ("float64", "float32"))
            steps[str(depth)] = {**exact, "float32": {"loss": rounded["loss"], "gradients": rounded["gradients"]}}
        content = {"versions": VERSIONS, "imageSize": IMAGE_SIZE, "steps": steps}
        (STEPS / f"{name}.json").write_text(json.dumps(content) + "\n")
        print(name, {depth: found["loss"] for depth, found in steps.items()}, flush=True)
    use_dtype("float32")
    old = keras2_configuration()
    if old is not None:
        (OUT / "keras-2.config.json").write_text(old + "\n")


main()
