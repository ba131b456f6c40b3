"""Where a number that is not finite came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from .failure import ThawError
from .network import Network

HINT = "Lower the learning rate, or check the weights and images."


def _first_non_finite(network: Network, phase: Mapping[str, Any], inputs: Sequence[np.ndarray], training: bool) -> str:
    """Names the first layer whose weights or output are not finite."""
    outputs = network.whole(list(inputs), training=training)
    for treatment, output in zip(phase["treatments"], outputs, strict=True):
        for name in network.variables(treatment["name"]):
            # On batch statistics the moving ones come out of this very step: a consequence, no cause.
            if "/moving_" in name and training and treatment["batchNormMode"] == "batch-stats":
                continue
            if not np.isfinite(keras.ops.convert_to_numpy(network.variable(name))).all():
                return f'the weights "{name}"'
        if not np.isfinite(keras.ops.convert_to_numpy(output)).all():
            return f'the output of layer "{treatment["name"]}"'
    return "the loss itself"


def non_finite_loss(
    network: Network, phase: Mapping[str, Any], inputs: Sequence[np.ndarray], at: Mapping[str, Any]
) -> ThawError:
    """The error for a training loss that is NaN or infinite.

    @param inputs the batch that gave it, nothing dropped out
    @param at epoch, step and loss
    """
    where = _first_non_finite(network, phase, inputs, training=True)
    loss = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(float(at["loss"]))]
    return ThawError(
        "non-finite",
        f"Training stopped at epoch {at['epoch']}, step {at['step']}: the loss is {loss}, and the first thing that is "
        f"not finite is {where}.",
        HINT,
        {**at, "loss": loss, "where": where},
    )


def non_finite_evaluation(network: Network, phase: Mapping[str, Any], inputs: Sequence[np.ndarray]) -> ThawError:
    """The error for a loss in inference mode that is NaN or infinite."""
    where = _first_non_finite(network, phase, inputs, training=False)
    return ThawError(
        "non-finite",
        f"Evaluation stopped: the loss is not finite, and the first thing that is not finite is {where}.",
        HINT,
        {"where": where},
    )


def check_weights(network: Network, epoch: int) -> None:
    """Looks at all weights after an epoch. Throws ThawError `non-finite`."""
    for name, value in network.weights().items():
        if not np.isfinite(value).all():
            where = f'the weights "{name}"'
            message = f"Training stopped after epoch {epoch}: {where} are not finite any more."
            raise ThawError("non-finite", message, HINT, {"epoch": epoch, "where": where})
