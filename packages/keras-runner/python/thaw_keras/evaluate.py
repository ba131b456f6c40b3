"""Metrics and predictions in inference mode."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from .metrics import MetricSums
from .non_finite import non_finite_evaluation
from .run_state import RunState


def _rounded(values: Iterable[float]) -> list[float]:
    """Six digits say all that a float32 of a report needs."""
    return [float(f"{value:.6g}") for value in values]


@dataclass
class Evaluation:
    """Metrics over a part of the data, and for each image the predicted class and how sure it is."""

    metrics: dict[str, float] = field(default_factory=dict)
    predictions: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)

    def certainty(self) -> dict[str, list[float]]:
        """Core's Certainty."""
        return {"losses": self.losses, "confidences": self.confidences}


def evaluate(state: RunState, phase: Mapping[str, Any], indices: Sequence[int]) -> Evaluation | None:
    """Runs images through the network; None of none. Throws ThawError `non-finite`, `cancelled`."""
    if not indices:
        return None
    sums = MetricSums()
    found = Evaluation()
    size = state.spec["batchSize"]
    for start in range(0, len(indices), size):
        batch = list(indices[start : start + size])
        labels = state.labels(batch)
        inputs = state.inputs(state.images.batch(batch))
        losses, probabilities = (keras.ops.convert_to_numpy(tensor) for tensor in state.infer(inputs, labels))
        loss, predicted = sums.add(losses, probabilities, labels)
        found.predictions += predicted
        found.losses += _rounded(losses)
        found.confidences += _rounded(probabilities.max(axis=1))
        if not math.isfinite(loss):
            raise non_finite_evaluation(state.network, phase, inputs)
        state.progress()
    found.metrics = sums.means()
    return found
