"""Sums over the images of a pass, and rounded times."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass
class MetricSums:
    """Sums of a pass over images."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0

    def add(self, losses: np.ndarray, probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, list[int]]:
        """Adds a batch; returns its mean loss and the predicted classes.

        @param losses [batch]
        @param probabilities [batch, classes]
        """
        predictions = probabilities.argmax(axis=1)  # the first of equals
        loss = math.fsum(losses)
        self.loss += loss
        self.correct += int((predictions == labels).sum())
        self.images += len(labels)
        return loss / len(labels), predictions.tolist()

    def means(self) -> dict[str, float]:
        """Core's Metrics."""
        return {"loss": self.loss / self.images, "accuracy": self.correct / self.images}


def round_ms(ms: float) -> float:
    """Milliseconds to a hundredth: finer digits of a clock are noise."""
    return round(ms, 2)


def median(values: Sequence[float]) -> float | None:
    """Median of numbers; None of none."""
    return statistics.median(values) if values else None
