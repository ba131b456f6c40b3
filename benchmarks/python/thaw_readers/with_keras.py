"""Keras itself."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras


def read(file: str, images: np.ndarray) -> dict[str, Any]:
    """Loads a `.keras` archive, predicts, and trains one step: what may move and what must not."""
    model = keras.models.load_model(file)
    probabilities = model.predict(images, batch_size=8, verbose=0)
    trainable = {layer.name: bool(layer.trainable) for layer in model.layers}
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    free = {weight.path for weight in model.trainable_weights}
    model.compile(keras.optimizers.SGD(1e-2), "sparse_categorical_crossentropy")
    batch = images[:8]
    labels = np.arange(len(batch)) % probabilities.shape[1]
    history = model.fit(batch, labels, batch_size=len(batch), epochs=1, verbose=0)
    moved = {weight.path for weight in model.weights if np.any(keras.ops.convert_to_numpy(weight) != before[weight.path])}
    return {
        "version": f"Keras {keras.__version__}",
        "probabilities": probabilities.tolist(),
        "trainable": trainable,
        "loss": float(history.history["loss"][0]),
        "moved": sorted({path.split("/")[0] for path in moved}),
        "stayed": sorted({path.split("/")[0] for path in free - moved}),
    }
