"""Early stopping, by Keras's own callback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

_MONITORS = {
    "loss": ("loss", "min"),
    "accuracy": ("accuracy", "max"),
    "validationLoss": ("val_loss", "min"),
    "validationAccuracy": ("val_accuracy", "max"),
}


class EarlyStopping:
    """Watches one phase.

    @param spec core's `earlyStopping`
    @param model whose weights are restored
    """

    def __init__(self, spec: Mapping[str, Any], model: Any) -> None:
        monitor, mode = _MONITORS[spec["monitor"]]
        self._callback = keras.callbacks.EarlyStopping(
            monitor=monitor,
            mode=mode,
            min_delta=spec["minDelta"],
            patience=spec["patience"],
            restore_best_weights=spec["restoreBestWeights"],
        )
        self._model = model
        self._model.stop_training = False
        self._callback.set_model(model)
        self._callback.on_train_begin()

    @property
    def stopped(self) -> bool:
        return bool(self._model.stop_training)

    def observe(self, index: int, train: Mapping[str, float], validation: Mapping[str, float] | None) -> None:
        """Looks at an epoch's metrics, index 0 for the phase's first."""
        found = {} if validation is None else {f"val_{name}": value for name, value in validation.items()}
        self._callback.on_epoch_end(index, {**train, **found})

    @property
    def state(self) -> dict[str, Any]:
        """What it remembers, without the best weights."""
        callback = self._callback
        return {"best": callback.best, "waited": callback.wait, "bestEpoch": callback.best_epoch}

    @property
    def best_weights(self) -> dict[str, np.ndarray]:
        """The best weights by place, where they may be restored."""
        return {str(place): value for place, value in enumerate(self._callback.best_weights or [])}

    def restore(self, state: Mapping[str, Any], best_weights: Mapping[str, np.ndarray]) -> None:
        """Goes on where another one stood."""
        callback = self._callback
        callback.best, callback.wait, callback.best_epoch = state["best"], state["waited"], state["bestEpoch"]
        if best_weights:
            callback.best_weights = [best_weights[str(place)] for place in range(len(best_weights))]

    def finish(self) -> int | None:
        """Restores the best weights where they are wanted; returns the index of their epoch."""
        self._callback.on_train_end()
        restored = self._callback.restore_best_weights and self._callback.best_weights is not None
        return self._callback.best_epoch if restored else None
