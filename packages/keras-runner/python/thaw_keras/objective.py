"""The loss, by Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


def losses_of(labels: Any, logits: Any) -> Any:
    """Sparse categorical cross-entropy of each image, [batch]. From logits: Keras clips probabilities at 1e-7."""
    return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def as_list(outputs: Any) -> Sequence[Any]:
    """A model with one output returns it bare."""
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]
