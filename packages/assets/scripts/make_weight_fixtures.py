"""Writes test/fixtures/weights: one tiny network with the same weights in every file format that Keras has written.

Run once per Keras, each in a virtual environment of its own (outside the repository):

    python make_weight_fixtures.py reference                    # any environment with numpy and safetensors
    python make_weight_fixtures.py keras                        # tensorflow-cpu==2.21.0 (Keras 3.15), and once with
                                                                # tensorflow-cpu==2.16.2 keras==3.0.5 (no layer names yet)
    python make_weight_fixtures.py tf_keras                     # tf_keras==2.21.0: the last Keras 2
    python make_weight_fixtures.py tensorflow.keras             # tensorflow-cpu==2.12.1: Keras 2's first .weights.h5
    python make_weight_fixtures.py tensorflowjs                 # tensorflow-cpu==2.16.2 tf_keras==2.16.0 tensorflowjs==4.22.0

Files are gzipped (HDF5 pads with zeros) and listed in manifest.json with their format, hash and the versions that made
them. Every file is loaded back by the Keras that wrote it before it is kept.
"""

import gzip
import hashlib
import importlib
import json
import os
import pathlib
import sys
import tempfile
import types

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test" / "fixtures" / "weights"

# (layer, class, weights), in Keras's order; what the tests build with core's table builder.
CONV, DEPTHWISE, NORM = "conv", "depthwise", "norm"
LAYERS = [
    ("Conv1", CONV, (3, 3, 3, 4)),
    ("bn_Conv1", NORM, (4,)),
    ("block_1_expand", CONV, (1, 1, 4, 8)),
    ("block_1_expand_BN", NORM, (8,)),
    ("block_1_depthwise", DEPTHWISE, (3, 3, 8, 1)),
    ("block_1_depthwise_BN", NORM, (8,)),
    ("block_1_project", CONV, (1, 1, 8, 4)),
    ("block_1_project_BN", NORM, (4,)),
]
HEAD = [("head", "kernel", (4, 3)), ("head", "bias", (3,))]


def reference():
    """Weights by `layer/weight`: seeded, all different, so that any mix-up shows."""
    random = np.random.default_rng(20)
    tensors = {}
    for layer, kind, shape in LAYERS:
        names = ["gamma", "beta", "moving_mean", "moving_variance"] if kind == NORM else ["kernel"]
        for name in names:
            values = random.normal(size=shape)
            tensors[f"{layer}/{name}"] = np.abs(values) + 0.1 if name == "moving_variance" else values
    for layer, name, shape in HEAD:
        tensors[f"{layer}/{name}"] = random.normal(size=shape)
    return {name: values.astype(np.float32) for name, values in tensors.items()}


def old_name(name):
    """Names as the first Keras MobileNetV2 (2.1.6) had them, whose weight files are still about."""
    if not name.startswith("block_1_"):
        return name
    part, *norm = name.removeprefix("block_1_").split("_")
    if part == "add":
        return "res_connect_1"
    return f"bn1_conv_1_bn_{part}" if norm == ["BN"] else f"conv_1_{part}_relu" if norm else f"mobl1_conv_1_{part}"


def build_base(keras, rename=lambda name: name, with_input=None):
    layers = keras.layers
    inputs = with_input if with_input is not None else layers.Input((8, 8, 3), name="input_layer")

    def norm(name, x):
        return layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=rename(name))(x)

    def conv(name, x, filters, size, strides=1):
        return layers.Conv2D(
            filters, size, strides=strides, padding="same", use_bias=False, name=rename(name)
        )(x)

    def relu(name, x):
        return layers.ReLU(6.0, name=rename(name))(x)

    shortcut = relu("Conv1_relu", norm("bn_Conv1", conv("Conv1", inputs, 4, 3, strides=2)))
    x = relu("block_1_expand_relu", norm("block_1_expand_BN", conv("block_1_expand", shortcut, 8, 1)))
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=rename("block_1_depthwise"))(x)
    x = relu("block_1_depthwise_relu", norm("block_1_depthwise_BN", x))
    x = norm("block_1_project_BN", conv("block_1_project", x, 4, 1))
    x = layers.Add(name=rename("block_1_add"))([shortcut, x])
    return keras.Model(inputs, x, name="tiny")


def set_weights(layers, rename=lambda name: name):
    tensors = reference()
    for layer, _, _ in LAYERS:
        by_name = {name: values for name, values in tensors.items() if name.startswith(f"{layer}/")}
        layers[rename(layer)].set_weights(list(by_name.values()))
    if "head" in layers:
        layers["head"].set_weights([tensors["head/kernel"], tensors["head/bias"]])


def with_state(keras, model):
    """Compiled, with an optimizer that has state, as a model has after training."""
    model.compile(optimizer=keras.optimizers.Adam(), loss="sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    return model


def build_models(keras):
    """Variants: the base alone; nested in an outer model; its layers inlined in one."""
    base = build_base(keras)
    set_weights({layer.name: layer for layer in base.layers})

    nested_base = build_base(keras)
    nested_base.trainable = True
    for layer in nested_base.layers[:5]:
        layer.trainable = False  # a file then lists the trainable weights first
    inputs = keras.layers.Input((8, 8, 3), name="photos")
    x = keras.layers.RandomFlip("horizontal", name="flip")(inputs)
    scale = keras.layers.Normalization(name="scale")  # adapted, it has an integer counter among its variables
    scale.adapt(np.random.default_rng(1).random((4, 8, 8, 3), dtype=np.float32))
    x = scale(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(nested_base(x))
    x = keras.layers.Dropout(0.2, name="dropout")(x)
    nested = keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="head")(x), name="outer")
    set_weights({layer.name: layer for layer in [*nested_base.layers, *nested.layers]})

    inlined_base = build_base(keras)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(inlined_base.output)
    inlined = keras.Model(inlined_base.input, keras.layers.Dense(3, activation="softmax", name="head")(x))
    set_weights({layer.name: layer for layer in inlined.layers})

    sequential_base = build_base(keras)
    sequential = keras.Sequential(
        [
            keras.layers.InputLayer((8, 8, 3)) if keras.__version__.startswith("2") else keras.layers.Input((8, 8, 3)),
            sequential_base,
            keras.layers.GlobalAveragePooling2D(name="pool"),
            keras.layers.Dense(3, name="head"),
        ]
    )
    set_weights({layer.name: layer for layer in [*sequential_base.layers, *sequential.layers]})
    return {"base": base, "nested": nested, "inlined": inlined, "sequential": sequential}


def flat_values(model):
    return [np.asarray(value) for value in model.get_weights()]


def keep(name, content, about):
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.gz").parent.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    path = FOLDER / "manifest.json"
    manifest = json.loads(path.read_text()) if path.exists() else {"files": {}}
    manifest["files"][name] = {**about, "sha256": hashlib.sha256(content).hexdigest()}
    manifest["files"] = dict(sorted(manifest["files"].items()))
    path.write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{name}: {len(content)} bytes")


def versions(*modules):
    return {name: importlib.import_module(name).__version__ for name in ("numpy", "h5py", *modules)}


def write_keras(module):
    keras = importlib.import_module(module)
    version = keras.__version__
    made_by = {**versions("tensorflow"), "keras": version}
    models = build_models(keras)
    is_2_12 = version.startswith("2.12")
    is_old_3 = version.startswith("3.0")
    jobs = {
        # variant: (extension, format), (model)
        "base.weights.h5": "keras-weights-h5",
        "nested.weights.h5": "keras-weights-h5",
        "base.h5": "keras-h5",
        "nested.h5": "keras-h5",
        "inlined.keras": "keras-zip",
        "nested.keras": "keras-zip",
        "sequential.h5": "keras-h5",
        "inlined.weights.h5": "keras-weights-h5",
    }
    if is_2_12:
        jobs = {"nested.weights.h5": "keras-weights-h5", "base.keras": "keras-h5"}
    elif is_old_3:  # without names: saving a nested model as .h5 fails in this version
        jobs = {
            "base.h5": "keras-h5",
            "nested.weights.h5": "keras-weights-h5",
            "nested.keras": "keras-zip",
            "inlined.weights.h5": "keras-weights-h5",
        }
    elif version.startswith("2"):
        jobs = {name: jobs[name] for name in ("nested.h5", "nested.keras", "nested.weights.h5", "base.h5")}
        jobs["base-only.h5"] = "keras-h5"
        jobs["old-names.h5"] = "keras-h5-by-order"
        models["base-only"] = models["base"]
        models["old-names"] = build_base(keras, old_name)
        set_weights({layer.name: layer for layer in models["old-names"].layers}, old_name)
    for job, file_format in jobs.items():
        variant, extension = job.split(".", 1)
        model = models[variant]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, job)
            saves_weights = extension == "weights.h5" or job in ("base-only.h5", "old-names.h5")
            if not saves_weights and variant == "nested":
                with_state(keras, model)
            model.save_weights(path) if saves_weights else model.save(path)
            expected = flat_values(model)
            if saves_weights:
                model.set_weights([value * 0 for value in expected])
                model.load_weights(path)
                found = flat_values(model)
            else:
                found = flat_values(keras.models.load_model(path))
            assert len(found) == len(expected) and all(map(np.array_equal, found, expected)), job
            content = pathlib.Path(path).read_bytes()
        keep(f"keras-{version}-{job}", content, {"format": file_format, "made_by": made_by})


def write_tfjs():
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    # Converters of other kinds of models, which are not used here, import these large packages.
    for name in ("tensorflow_decision_forests", "tensorflow_hub", "jax", "jax.experimental", "jax.experimental.jax2tf"):
        sys.modules[name] = types.SimpleNamespace(jax2tf=None, experimental=None)
    keras = importlib.import_module("tf_keras")
    converters = importlib.import_module("tensorflowjs.converters")
    made_by = versions("tensorflow", "tf_keras", "tensorflowjs")
    models = build_models(keras)
    for variant in ("base", "inlined"):
        with tempfile.TemporaryDirectory() as folder:
            # Two shards for the base: a tensor then lies across the seam.
            converters.save_keras_model(models[variant], folder, weight_shard_size_bytes=1000)
            for path in sorted(pathlib.Path(folder).iterdir()):
                about = {"made_by": made_by}
                if path.name == "model.json":
                    about = {"format": "tfjs-layers", **about}
                keep(f"tfjs-4.22.0-{variant}/{path.name}", path.read_bytes(), about)


def write_reference():
    save = importlib.import_module("safetensors.numpy").save
    tensors = reference()
    keep("reference.safetensors", save(tensors), {"format": "safetensors", "made_by": {"numpy": np.__version__}})


if __name__ == "__main__":
    kind = sys.argv[1] if len(sys.argv) == 2 else ""
    if kind == "reference":
        write_reference()
    elif kind == "tensorflowjs":
        write_tfjs()
    elif kind in ("keras", "tf_keras", "tensorflow.keras"):
        write_keras(kind)
    else:
        sys.exit(__doc__)
