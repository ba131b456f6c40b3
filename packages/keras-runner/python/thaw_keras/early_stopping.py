"""Early stopping, by Keras's own callback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

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

    def finish(self) -> int | None:
        """Restores the best weights where they are wanted; returns the index of their epoch."""
        self._callback.on_train_end()
        restored = self._callback.restore_best_weights and self._callback.best_weights is not None
        return self._callback.best_epoch if restored else None
