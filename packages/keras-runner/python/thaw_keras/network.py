"""A network of Keras's with a new head, and its weights by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from .architectures import Dropout, build_base, with_masks
from .failure import ThawError

_ORDER = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance", "mean", "variance")
"""Order of a layer's weights in files and digests; Keras's own depends on what is trainable."""
_STATISTICS = ("moving_mean", "moving_variance", "mean", "variance")


def is_statistic(name: str) -> bool:
    """Whether a weight (`bn_Conv1/moving_mean`) is none that gradients touch."""
    return name.rsplit("/", 1)[1] in _STATISTICS


class Network:
    """The network of a plan. Its layers are core's table: base, dropout where asked for, head (logits)."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        head = plan["spec"]["model"]["head"]
        keras.backend.clear_session()
        base, self.dropouts = with_masks(build_base(plan))
        self.inputs = list(base.inputs)
        masks = {f"{dropout.name}_mask" for dropout in self.dropouts}
        outputs = {entry.name: entry.output for entry in base.operations if entry.name not in masks}
        features = base.output
        if head["dropout"] > 0:
            dropout = Dropout(f"{head['name']}_dropout", head["dropout"], tuple(features.shape[1:]))
            self.dropouts.append(dropout)
            self.inputs.append(keras.Input(dropout.shape, name="dropout_mask"))
            features = keras.layers.Multiply(name=dropout.name)([features, self.inputs[-1]])
            outputs[dropout.name] = features
        dense = keras.layers.Dense(len(plan["dataset"]["classes"]), name=head["name"])
        outputs[head["name"]] = dense(features)
        self.layers = [treatment["name"] for treatment in plan["phases"][0]["treatments"]]
        if list(outputs) != self.layers:
            raise ThawError(
                "network-mismatch",
                f"Keras {keras.__version__} builds other layers than the plan has.",
                "Use the Keras version of packages/keras-runner/python/requirements.txt.",
                {"keras": list(outputs), "plan": self.layers},
            )
        self.model = keras.Model(self.inputs, outputs[head["name"]])
        self.whole = keras.Model(self.inputs, list(outputs.values()))
        """The same layers and weights, with every layer's output."""
        self._operations = {entry.name: entry for entry in self.model.operations}
        self._by_layer = {
            name: {variable.name: variable for variable in getattr(self.layer(name), "variables", [])}
            for name in self.layers
        }

    def layer(self, name: str) -> Any:
        """A layer, or an operation between layers."""
        return self._operations[name]

    def variables(self, layer: str) -> dict[str, Any]:
        """Keras variables of a layer by weight name (`block_1_expand/kernel`), in the order of files and digests."""
        own = self._by_layer[layer]
        return {f"{layer}/{name}": own[name] for name in _ORDER if name in own}

    @property
    def names(self) -> list[str]:
        """Names of all weights, in layer order."""
        return [name for layer in self.layers for name in self.variables(layer)]

    def variable(self, name: str) -> Any:
        layer, weight = name.rsplit("/", 1)
        return self._by_layer[layer][weight]

    def assign(self, values: Mapping[str, np.ndarray]) -> None:
        """Overwrites weights. Throws ThawError `weights-mismatch` for a shape or a type that is not the network's."""
        hint = "Check that the weights belong to this architecture and alpha."
        for name in self.names:
            value, variable = values.get(name), self.variable(name)
            if value is None or value.dtype.kind != "f":
                raise ThawError("weights-mismatch", f'There are no float32 weights for "{name}".', hint)
            if value.shape != tuple(variable.shape):
                message = f'Weights "{name}" have shape {list(value.shape)}, expected {list(variable.shape)}.'
                raise ThawError("weights-mismatch", message, hint)
            variable.assign(value)
        for layer in self.layers:
            if isinstance(self.layer(layer), keras.layers.Normalization):
                self.layer(layer).finalize_state()  # else it goes on with the statistics that it was built with

    def weights(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Reads weights back in layer order, in the dtype that they are computed in."""
        wanted = None if names is None else set(names)
        return {
            name: keras.ops.convert_to_numpy(self.variable(name))
            for name in self.names
            if wanted is None or name in wanted
        }
