"""PyTorch below Keras: autograd, everything eager."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import torch

from ..objective import as_list, losses_of
from . import Description, Forward, GradientFunction, InferenceFunction, Inputs, Settings, UpdateFunction, UpdateGroup

PACKAGE = "torch"


def configure(settings: Settings) -> Description:
    torch.set_num_threads(settings["threads"])
    torch.use_deterministic_algorithms(settings["loop"] == "own")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    version = str(torch.__version__)
    return Description(f"PyTorch {version}", {"torch": version}, gpu, {**settings, "step": "eager"})


def gradient_function(model: Any, trained: Sequence[Any], compiled: bool) -> GradientFunction:
    values = [variable.value for variable in trained]

    def call(inputs: Inputs, labels: np.ndarray) -> Forward:
        for value in values:
            value.requires_grad_(True)  # Keras switches it off for layers that are not trainable
        outputs = as_list(model(_tensors(inputs), training=True))
        losses = losses_of(keras.ops.convert_to_tensor(labels), outputs[-1])
        gradients = torch.autograd.grad(losses.mean(), values, allow_unused=True)
        return Forward(outputs, losses, keras.ops.softmax(outputs[-1]), gradients)

    return call


def update_function(groups: Sequence[UpdateGroup], compiled: bool) -> UpdateFunction:
    def run(gradients: Sequence[Any]) -> None:
        with torch.no_grad():
            for group in groups:
                group.optimizer.apply([gradients[place] for place in group.places], group.variables)

    return run


def inference_function(model: Any, compiled: bool) -> InferenceFunction:
    def run(inputs: Inputs, labels: np.ndarray) -> tuple[Any, Any]:
        with torch.no_grad():
            logits = model(_tensors(inputs), training=False)
            return losses_of(keras.ops.convert_to_tensor(labels), logits), keras.ops.softmax(logits)

    return run


def _tensors(arrays: Inputs) -> list[Any]:
    return [keras.ops.convert_to_tensor(array) for array in arrays]
