"""Whole models as users of Keras make and save them, with what Keras predicts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras

ALPHA = 0.35


def _base(size: int) -> keras.Model:
    return keras.applications.MobileNetV2(
        input_shape=(size, size, 3), alpha=ALPHA, include_top=False, weights=None, pooling=None
    )


def _nested(size: int, classes: int) -> keras.Model:
    """As Keras's guide to transfer learning has it: the base is one layer, scaling and augmentation are in front."""
    base = _base(size)
    base.trainable = False
    inputs = keras.Input((size, size, 3))
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = keras.layers.Rescaling(scale=1 / 127.5, offset=-1)(x)
    x = base(x, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.2)(x)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax", name="shoe_type")(x))


def _flat(size: int, classes: int) -> keras.Model:
    """The head on the base's own tensors; images are scaled outside; the head gives logits."""
    base = _base(size)
    x = keras.layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, keras.layers.Dense(classes)(x))


def _sequential(size: int, classes: int) -> keras.Model:
    base = keras.applications.MobileNetV2(
        input_shape=(size, size, 3), alpha=ALPHA, include_top=False, weights=None, pooling="avg"
    )
    return keras.Sequential([keras.Input((size, size, 3)), base, keras.layers.Dense(classes, activation="softmax")])


def _operations(size: int, classes: int) -> keras.Model:
    """Scaled by `preprocess_input` inside the model."""
    base = _base(size)
    inputs = keras.Input((size, size, 3))
    x = base(keras.applications.mobilenet_v2.preprocess_input(inputs))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))


def _fill(model: keras.Model, random: np.random.Generator) -> None:
    """Weights as after training: statistics of their own, and outputs that are neither all sure nor all the same.

    Kernels of 1.5 in place of 1.2 make the network chaotic: the last bit of its input then moves a probability by 3e-5.
    """
    for weight in model.weights:
        shape, name = tuple(weight.shape), weight.name
        if name in ("gamma", "moving_variance"):
            weight.assign(random.uniform(0.6, 1.4, shape))
        elif name in ("beta", "moving_mean", "bias"):
            weight.assign(random.normal(0, 0.15, shape))
        elif name == "kernel":
            field = np.prod(shape[:-2]) if len(shape) == 4 else 1
            fan = field if shape[-1] == 1 and len(shape) == 4 else field * shape[-2]
            gain = 1.2 if len(shape) == 4 else 2
            weight.assign(random.normal(0, gain / np.sqrt(fan), shape))


def read(folder: str, pixels: np.ndarray) -> dict[str, Any]:
    """Makes each model in both whole formats, and one of each kind that Thaw refuses."""
    size, classes = pixels.shape[1], 6
    scaled = pixels / np.float32(127.5) - np.float32(1)
    random = np.random.default_rng(5)
    answer: dict[str, Any] = {}
    for name, make, images in (
        ("nested", _nested, pixels),
        ("flat", _flat, scaled),
        ("sequential", _sequential, scaled),
        ("operations", _operations, pixels),
    ):
        model = make(size, classes)
        _fill(model, random)
        found = model.predict(images, batch_size=8, verbose=0)
        if name == "flat":
            found = keras.ops.convert_to_numpy(keras.ops.softmax(found))
        answer[name] = found.tolist()
        for ending in ("keras", "h5"):
            model.save(Path(folder) / f"{name}.{ending}")
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(_base(size)(x))
    keras.Model(inputs, keras.layers.Dense(classes)(x)).save(Path(folder) / "other-scale.keras")
    base = _base(size)
    x = keras.layers.Flatten()(base.output)
    keras.Model(base.input, keras.layers.Dense(classes)(x)).save(Path(folder) / "flatten.keras")
    model = _flat(size, classes)
    model.save_weights(Path(folder) / "bare.weights.h5")
    return {"version": f"Keras {keras.__version__}", "probabilities": answer}
