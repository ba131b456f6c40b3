"""Metrics and predictions in inference mode."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from .metrics import MetricSums
from .non_finite import non_finite_evaluation
from .run_state import RunState


def evaluate(
    state: RunState, phase: Mapping[str, Any], indices: Sequence[int]
) -> tuple[dict[str, float], list[int]] | None:
    """Runs images through the network; None of none. Throws ThawError `non-finite`, `cancelled`.

    @returns metrics, and the predicted class of each image
    """
    if not indices:
        return None
    sums = MetricSums()
    predictions: list[int] = []
    size = state.spec["batchSize"]
    for start in range(0, len(indices), size):
        batch = list(indices[start : start + size])
        labels = state.labels(batch)
        inputs = state.inputs(state.images.batch(batch))
        losses, probabilities = (keras.ops.convert_to_numpy(tensor) for tensor in state.infer(inputs, labels))
        loss, predicted = sums.add(losses, probabilities, labels)
        predictions += predicted
        if not math.isfinite(loss):
            raise non_finite_evaluation(state.network, phase, inputs)
        state.progress()
    return sums.means(), predictions
