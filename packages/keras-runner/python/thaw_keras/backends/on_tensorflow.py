"""TensorFlow below Keras: GradientTape, functions compiled to graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..objective import as_list, losses_of
from . import Description, Forward, GradientFunction, InferenceFunction, Inputs, Settings, UpdateFunction, UpdateGroup

PACKAGE = "tensorflow"


def configure(settings: Settings) -> Description:
    tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
    if settings["loop"] == "own":  # Keras's own loops are measured as they come
        tf.config.experimental.enable_op_determinism()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    gpus = tf.config.list_physical_devices("GPU")
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name) if gpus else None
    return Description(f"TensorFlow {tf.__version__}", {"tensorflow": tf.__version__}, name, settings)


def _signature(model: Any) -> list[Any]:
    """Inputs and labels with any batch size, so that the smaller last batch compiles nothing anew."""
    inputs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs]
    return [inputs, tf.TensorSpec([None], tf.int32)]


def _compiled(function: Callable[..., Any], compiled: bool, signature: list[Any] | None = None) -> Callable[..., Any]:
    return tf.function(function, input_signature=signature, autograph=False) if compiled else function


def gradient_function(model: Any, trained: Sequence[Any], compiled: bool) -> GradientFunction:
    values = [variable.value for variable in trained]

    def run(inputs: Any, labels: Any) -> tuple[Any, ...]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            outputs = as_list(model(inputs, training=True))
            losses = losses_of(labels, outputs[-1])
            loss = tf.reduce_mean(losses)
        return outputs, losses, keras.ops.softmax(outputs[-1]), tape.gradient(loss, values)

    pass_ = _compiled(run, compiled, _signature(model))

    def call(inputs: Inputs, labels: np.ndarray) -> Forward:
        return Forward(*pass_([tf.convert_to_tensor(array) for array in inputs], tf.convert_to_tensor(labels)))

    return call


def update_function(groups: Sequence[UpdateGroup], compiled: bool) -> UpdateFunction:
    def run(gradients: Sequence[Any]) -> None:
        for group in groups:
            group.optimizer.apply([gradients[place] for place in group.places], group.variables)

    return _compiled(run, compiled)


def inference_function(model: Any, compiled: bool) -> InferenceFunction:
    def run(inputs: Any, labels: Any) -> tuple[Any, Any]:
        logits = model(inputs, training=False)
        return losses_of(labels, logits), keras.ops.softmax(logits)

    pass_ = _compiled(run, compiled, _signature(model))
    return lambda inputs, labels: pass_([tf.convert_to_tensor(array) for array in inputs], tf.convert_to_tensor(labels))
