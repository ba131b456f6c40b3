"""Writes the golden values of core's tests with Keras itself, into ../test/golden.

    python3 -m venv VENV && VENV/bin/pip install keras==3.15.1 tensorflow-cpu==2.21.0
    VENV/bin/python packages/core/scripts/make_keras_goldens.py && npx biome check --write packages/core/test/golden

Runs on the CPU with oneDNN off, in about a minute. Inputs are short binary fractions, exact in float32 and in
float64, so that a float64 engine can be held to float64's precision.
"""

import json
import os
import pathlib

os.environ.update(KERAS_BACKEND="tensorflow", TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

OUT = pathlib.Path(__file__).parent.parent / "test" / "golden"
VERSIONS = {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}


def write(name, content):
    """One line for each entry of the first two levels: small, and still to be read in a diff."""
    lines = []
    for key, value in {"versions": VERSIONS, **content}.items():
        if isinstance(value, dict) and key != "versions":
            rows = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            lines.append(f"  {json.dumps(key)}: {{\n{rows}\n  }}")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    (OUT / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def use_dtype(dtype):
    """Keras fixes the policy of new layers at the first layer that it makes, so that floatx alone is not enough."""
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


def flat(values):
    return np.asarray(values).astype("float64").ravel().tolist()


def binary_fractions(rng, shape, denominator, low=-1.0, high=1.0):
    """Random multiples of 1/denominator."""
    return rng.integers(int(low * denominator), int(high * denominator) + 1, size=shape) / denominator


# Layer tables -------------------------------------------------------------------------------------------------------

TABLES = [(alpha, size) for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4) for size in (96, 160)]
TABLES += [(0.35, size) for size in (32, 97, 131)]


def layer_row(layer, known):
    """What is the same for every alpha and size: name, type, inputs and attributes."""
    inputs = [] if not known else [tensor._keras_history.operation.name for tensor in tf.nest.flatten(layer.input)]
    attributes = {}
    kind = type(layer).__name__
    if kind in ("Conv2D", "DepthwiseConv2D"):
        attributes = {"strides": list(layer.strides), "padding": layer.padding, "useBias": layer.use_bias}
    elif kind == "BatchNormalization":
        attributes = {"epsilon": layer.epsilon, "momentum": layer.momentum}
    elif kind == "ReLU":
        attributes = {"maxValue": float(layer.max_value)}
    return [layer.name, kind, inputs, attributes]


def shape_of(layer):
    shape = layer.output.shape if hasattr(layer, "output") else layer.batch_shape
    return list(shape[1:])


def layer_tables():
    structure, alphas, sizes = None, {}, {}
    for alpha, size in TABLES:
        keras.backend.clear_session()
        model = keras.applications.MobileNetV2(
            input_shape=(size, size, 3), alpha=alpha, include_top=False, pooling="avg", weights=None
        )
        rows = [layer_row(layer, index > 0) for index, layer in enumerate(model.layers)]
        shapes = [shape_of(layer) for layer in model.layers]
        # "kernel" of a layer: 3x3x3x16
        weights = [
            " ".join(f"{w.name}:{'x'.join(map(str, w.shape))}" for w in layer.weights) for layer in model.layers
        ]
        of_alpha = {
            "channels": [shape[-1] for shape in shapes],
            "params": [layer.count_params() for layer in model.layers],
            "weights": weights,
            "trainable": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
        }
        of_size = {
            "sides": [shape[0] if len(shape) == 3 else None for shape in shapes],
            "padding": {l.name: l.padding for l in model.layers if isinstance(l, keras.layers.ZeroPadding2D)},
        }
        assert all(len(shape) == 1 or shape[0] == shape[1] for shape in shapes)
        # The parts are stored apart; that they say all is checked here.
        assert structure in (None, rows)
        assert alphas.setdefault(str(alpha), of_alpha) == of_alpha
        assert sizes.setdefault(str(size), of_size) == of_size
        structure = rows
    write(
        "keras-layers.json",
        {"tables": TABLES, "structure": {row[0]: row[1:] for row in structure}, "alphas": alphas, "sizes": sizes},
    )


# Optimizers ---------------------------------------------------------------------------------------------------------

# Keras turns some Python numbers (momentum, betas) into float32 tensors on the way, float64 or not. "exact" cases have
# numbers that float32 holds, so that float64 is float64; the defaults, which it does not hold, are judged as float32.
OPTIMIZERS = {
    "sgd, exact": {"name": "sgd", "learningRate": 0.125},
    "sgd momentum, exact": {"name": "sgd", "learningRate": 0.125, "momentum": 0.875},
    "sgd nesterov, exact": {"name": "sgd", "learningRate": 0.125, "momentum": 0.875, "nesterov": True},
    "sgd momentum 0.9": {"name": "sgd", "learningRate": 0.1, "momentum": 0.9},
    "rmsprop": {"name": "rmsprop", "learningRate": 0.01},
    "rmsprop, exact": {"name": "rmsprop", "learningRate": 0.015625, "rho": 0.875, "epsilon": 2.0**-20},
    "rmsprop momentum, exact": {"name": "rmsprop", "learningRate": 0.015625, "rho": 0.875, "momentum": 0.75, "epsilon": 2.0**-20},
    "rmsprop centered, exact": {"name": "rmsprop", "learningRate": 0.015625, "rho": 0.875, "centered": True, "epsilon": 2.0**-20},
    "rmsprop momentum centered, exact": {
        **{"name": "rmsprop", "learningRate": 0.015625, "rho": 0.875, "momentum": 0.75, "centered": True},
        "epsilon": 2.0**-20,
    },
    "adam": {"name": "adam", "learningRate": 0.01},
    "adam, exact": {"name": "adam", "learningRate": 0.015625, "beta1": 0.875, "beta2": 1 - 2.0**-10, "epsilon": 2.0**-20},
    "adam with a large epsilon, exact": {"name": "adam", "learningRate": 0.125, "beta1": 0.75, "beta2": 0.96875, "epsilon": 0.125},
}
CLASSES = {"sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop, "adam": keras.optimizers.Adam}
ARGUMENTS = {"learningRate": "learning_rate", "beta1": "beta_1", "beta2": "beta_2"}


def optimizers():
    rng = np.random.default_rng(1)
    start = [binary_fractions(rng, shape, 64) for shape in ([2, 3], [4])]
    gradients = [[binary_fractions(rng, value.shape, 64) for value in start] for _ in range(5)]
    gradients[0][1][0] = 0.0  # a weight without a gradient at first: epsilon alone divides
    gradients[1][0][0, 0] = 2.0**-24  # and one as small as epsilon
    trajectories = {}
    for title, spec in OPTIMIZERS.items():
        options = {ARGUMENTS.get(key, key): value for key, value in spec.items() if key != "name"}
        trajectories[title] = {"spec": spec}
        for dtype in ("float64", "float32"):
            use_dtype(dtype)
            variables = [keras.Variable(value, dtype=dtype) for value in start]
            optimizer = CLASSES[spec["name"]](**options)
            weights = []
            for step in gradients:
                optimizer.apply([keras.ops.convert_to_tensor(value, dtype) for value in step], variables)
                weights.append(sum((flat(variable) for variable in variables), []))
            trajectories[title][dtype] = weights
    use_dtype("float32")
    write(
        "keras-optimizers.json",
        {
            "shapes": [list(value.shape) for value in start],
            "start": [flat(value) for value in start],
            "gradients": [[flat(value) for value in step] for step in gradients],
            "trajectories": trajectories,
        },
    )


# Learning-rate schedules --------------------------------------------------------------------------------------------


def schedules():
    make = keras.optimizers.schedules
    cosine = {"schedule": "cosine", "initial": 0.5, "decaySteps": 8}
    exponential = {"schedule": "exponential", "initial": 0.5, "decaySteps": 3, "decayRate": 0.9}
    piecewise = {"schedule": "piecewise", "boundaries": [2, 5, 6], "values": [0.5, 0.25, 0.125, 0.0625]}
    cases = {
        "cosine": (cosine, make.CosineDecay(0.5, 8)),
        "cosine to a tenth": ({**cosine, "alpha": 0.1}, make.CosineDecay(0.5, 8, alpha=0.1)),
        "cosine with warmup": (
            {**cosine, "warmupSteps": 4, "warmupTarget": 2.0, "alpha": 0.1},
            make.CosineDecay(0.5, 8, alpha=0.1, warmup_steps=4, warmup_target=2.0),
        ),
        # Ours warms up from 0 where no target is given; Keras says that with an initial rate of 0.
        "cosine with warmup from zero": (
            {**cosine, "warmupSteps": 4},
            make.CosineDecay(0.0, 8, warmup_steps=4, warmup_target=0.5),
        ),
        "exponential": (exponential, make.ExponentialDecay(0.5, 3, 0.9)),
        "exponential staircase": ({**exponential, "staircase": True}, make.ExponentialDecay(0.5, 3, 0.9, staircase=True)),
        "piecewise": (piecewise, make.PiecewiseConstantDecay([2, 5, 6], [0.5, 0.25, 0.125, 0.0625])),
    }
    rates = {
        title: {"spec": spec, "rates": [float(schedule(step)) for step in range(15)]}
        for title, (spec, schedule) in cases.items()
    }
    write("keras-schedules.json", {"schedules": rates})


# Early stopping -----------------------------------------------------------------------------------------------------


class Counter:
    """Stands for a model whose weights are the number of epochs that it has trained."""

    stop_training = False
    metrics = ()
    weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def drive(values, mode, patience, min_delta, restore):
    """Number of epochs trained, whether the callback stopped it, and the epoch whose weights are kept."""
    model = Counter()
    callback = keras.callbacks.EarlyStopping(
        monitor="watched", mode=mode, patience=patience, min_delta=min_delta, restore_best_weights=restore
    )
    callback.set_model(model)
    callback.on_train_begin()
    epochs = 0
    for epoch, value in enumerate(values):
        model.weights = epochs = epoch + 1
        callback.on_epoch_end(epoch, {"watched": value})
        if model.stop_training:
            break
    callback.on_train_end()
    return epochs, model.stop_training, model.weights


def early_stopping():
    rng = np.random.default_rng(2)
    nan = float("nan")
    sequences = {
        "falls": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
        "rises": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        "is flat": [0.5] * 6,
        "dips once": [0.9, 0.5, 0.6, 0.7, 0.4, 0.8, 0.9, 1.0],
        "creeps": [1.0, 0.96, 0.92, 0.88, 0.84, 0.8, 0.76, 0.72],
        "differs below float32": [0.5, 0.5 - 1e-9, 0.5 - 2e-9, 0.5 + 1e-9, 0.5 + 2e-9],
        "is not a number once": [0.5, nan, 0.4, 0.3, 0.6, 0.7],
        "is not a number at first": [nan, 0.5, 0.4, 0.3, 0.6, 0.7],
    }
    for number in range(4):
        sequences[f"wanders {number}"] = [round(float(value), 1) for value in rng.integers(1, 9, size=12) / 10]
    traces = {}
    for title, values in sequences.items():
        for mode in ("min", "max"):
            for patience in (0, 1, 3):
                for min_delta in (0, 0.1):
                    last = drive(values, mode, patience, min_delta, restore=False)
                    best = drive(values, mode, patience, min_delta, restore=True)
                    assert last[:2] == best[:2] and last[2] == last[0]
                    traces[f"{title}, {mode}, patience {patience}, delta {min_delta}"] = {
                        "values": [None if np.isnan(value) else value for value in values],  # JSON has no NaN
                        "epochs": best[0],
                        "stopped": best[1],
                        "bestEpoch": best[2],
                    }
    write("keras-early-stopping.json", {"traces": traces})


# Batch normalization, frozen and not --------------------------------------------------------------------------------


def tiny_network():
    """Conv-BN-ReLU6-Depthwise-BN-ReLU6-Add-GAP-Dense, with padding and strides as MobileNetV2 has them."""
    layers = keras.layers
    inputs = keras.Input((7, 8, 3), name="input")
    x = layers.ZeroPadding2D(((1, 1), (0, 1)), name="pad")(inputs)
    x = layers.Conv2D(4, 3, strides=2, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(momentum=0.75, epsilon=1e-3, name="conv_BN")(x)
    shortcut = layers.ReLU(6.0, name="conv_relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(shortcut)
    x = layers.BatchNormalization(momentum=0.9375, epsilon=1e-2, name="depthwise_BN")(x)
    x = layers.ReLU(6.0, name="depthwise_relu")(x)
    x = layers.Add(name="add")([shortcut, x])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, x)


def batch_norm():
    use_dtype("float64")
    rng = np.random.default_rng(3)
    images = binary_fractions(rng, (4, 7, 8, 3), 64)
    labels = np.array([0, 2, 1, 2], "int32")
    low_high = {"gamma": (0.5, 4.0), "beta": (0.0, 3.0), "moving_variance": (0.25, 2.0)}
    weights, cases = {}, {}
    settings = {  # name: layers[:count] frozen, base called with
        "frozen": (4, True),
        "all frozen": (10, True),
        "trainable": (0, True),
        "inference-all": (0, False),
        "frozen, inference-all": (4, False),
    }
    for title, (frozen, base_training) in settings.items():
        base = tiny_network()
        head = keras.layers.Dense(3, name="head")
        head.build((None, *base.output.shape[1:]))
        variables = {f"{layer.name}/{w.name}": w for layer in [*base.layers, head] for w in layer.weights}
        for name, variable in variables.items():
            low, high = low_high.get(name.split("/")[1], (-1.0, 1.0))
            if name not in weights:
                weights[name] = binary_fractions(rng, variable.shape, 32, low, high)
            variable.assign(weights[name])
        base.trainable = True
        for layer in base.layers[:frozen]:
            layer.trainable = False
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        with tf.GradientTape() as tape:
            # Called by hand, because a functional model of Keras 3 called with training=True (as fit calls it) hands
            # that on to a base that was built in with training=False.
            logits = head(base(images, training=base_training))
            loss = loss_of(labels, logits)
        assert logits.dtype == "float64"
        trainable = [*base.trainable_variables, *head.trainable_variables]
        trained = {name: v for name, v in variables.items() if any(v is t for t in trainable)}
        gradients = tape.gradient(loss, [variable.value for variable in trained.values()])
        keras.optimizers.SGD(0.5).apply(gradients, list(trained.values()))
        cases[title] = {
            "frozen": frozen,
            "batchNorm": "keras" if base_training else "inference-all",
            "loss": float(loss),
            "logits": flat(logits),
            "gradients": {name: flat(value) for name, value in zip(trained, gradients)},
            "moving": {name: flat(variable) for name, variable in variables.items() if "moving" in name},
            "lossAfterInInferenceMode": float(loss_of(labels, head(base(images, training=False)))),
        }
        assert cases[title]["loss"] != cases[title]["lossAfterInInferenceMode"]
    relu = keras.Model(base.input, base.get_layer("conv_relu").output)(images)
    share = float(np.mean(relu == 6.0))
    assert 0.02 < share < 0.5, share  # the upper kink is in use
    use_dtype("float32")
    write(
        "keras-batch-norm.json",
        {
            "learningRate": 0.5,
            "images": flat(images),
            "labels": labels.tolist(),
            "weights": {name: flat(value) for name, value in weights.items()},
            "cases": cases,
        },
    )


# Data and fresh weights ---------------------------------------------------------------------------------------------


def data():
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    splits = {}
    for count in (2, 5, 10, 17, 100, 346):
        for share in (0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.7):
            try:
                (train,), _ = train_validation_split((np.arange(count),), share)
                splits[f"{count} × {share}"] = [count, share, len(train)]
            except ValueError:
                splits[f"{count} × {share}"] = [count, share, None]
    pixels = keras.applications.mobilenet_v2.preprocess_input(np.arange(256, dtype="float32"))
    glorot = {}
    keras.utils.set_random_seed(4)
    for title, layer, shape in (
        ("Conv2D", keras.layers.Conv2D(64, 3), (8, 8, 32)),
        ("DepthwiseConv2D", keras.layers.DepthwiseConv2D(3), (8, 8, 512)),
        ("Dense", keras.layers.Dense(6), (1280,)),
    ):
        layer.build((None, *shape))
        glorot[title] = {"shape": list(layer.kernel.shape), "deviation": float(np.std(layer.kernel))}
    write("keras-data.json", {"splits": splits, "pixels": flat(pixels), "glorot": glorot})


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for make_file in (layer_tables, optimizers, schedules, early_stopping, batch_norm, data):
        make_file()
        print(make_file.__name__, flush=True)
