"""What a library below Keras has to do: gradients, updates and inference. One module for each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Forward:
    """What a training pass gives, as tensors of the backend."""

    outputs: Sequence[Any]
    """The model's outputs, logits [batch, classes] last."""
    losses: Any
    """Cross-entropy of each image, [batch]."""
    probabilities: Any
    """[batch, classes]"""
    gradients: Sequence[Any]
    """Of the mean loss, by trained variable; None where nothing flows."""


@dataclass(frozen=True)
class UpdateGroup:
    """Weights that one optimizer updates."""

    optimizer: Any
    variables: Sequence[Any]
    places: Sequence[int]
    """Where their gradients stand among all."""


@dataclass(frozen=True)
class Description:
    """What a backend runs on."""

    library: str
    """With its version: `TensorFlow 2.21.0`."""
    versions: Mapping[str, str]
    gpu: str | None
    """The GPU's name; None where it computes on the processor."""
    settings: Settings
    """As they are in force."""


Inputs = Sequence[np.ndarray]
GradientFunction = Callable[[Inputs, np.ndarray], Forward]
UpdateFunction = Callable[[Sequence[Any]], None]
InferenceFunction = Callable[[Inputs, np.ndarray], tuple[Any, Any]]


class Backend(Protocol):
    """A module of this folder. `compiled` asks for a compiled function where the library has such a thing."""

    PACKAGE: str
    """The package that has to be installed, as it is imported."""

    def configure(self, settings: Settings) -> Description:
        """Sets threads, determinism and precision; before anything is computed."""

    def gradient_function(self, model: Any, trained: Sequence[Any], compiled: bool) -> GradientFunction:
        """Makes the training pass: it moves the moving statistics of batch normalizations, and nothing else.

        @param trained Keras variables that get gradients, whatever their layers' `trainable` says: Keras has no way
            to train gamma and beta of a layer in inference mode, or to leave those of one on batch statistics alone
        """

    def update_function(self, groups: Sequence[UpdateGroup], compiled: bool) -> UpdateFunction:
        """Makes the update of all trained weights from their gradients."""

    def inference_function(self, model: Any, compiled: bool) -> InferenceFunction:
        """Makes the pass in inference mode: losses [batch] and probabilities [batch, classes]."""


def load_backend(name: str) -> Backend:
    """Imports a backend's module, and with it its library."""
    return importlib.import_module(f"{__name__}.on_{name}")  # type: ignore[return-value]
