"""Keras's MobileNetV2 with a new head, and its weights by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from .failure import ThawError, unsupported

_ORDER = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
"""Order of a layer's weights in files and digests; Keras's own depends on what is trainable."""


class Network:
    """The network of a plan. Its layers are core's table: base, dropout where asked for, head (logits).

    Dropout is a product with a given mask: stock Keras draws its own, and every backend another one.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        spec = plan["spec"]["model"]
        for field, expected in (("architecture", "MobileNetV2"), ("pooling", "avg")):
            if spec[field] != expected:
                raise unsupported(f"model.{field}", spec[field], expected)
        size, head = spec["imageSize"], spec["head"]
        keras.backend.clear_session()
        base = keras.applications.MobileNetV2(
            input_shape=(size, size, 3), alpha=spec["alpha"], include_top=False, weights=None, pooling="avg"
        )
        self.inputs = [base.input]
        outputs = {layer.name: layer.output for layer in base.layers}
        features = base.output
        self.dropout: tuple[str, float] | None = None
        if head["dropout"] > 0:
            self.dropout = (f"{head['name']}_dropout", head["dropout"])
            self.inputs.append(keras.Input(features.shape[1:], name="dropout_mask"))
            features = keras.layers.Multiply(name=self.dropout[0])([features, self.inputs[1]])
            outputs[self.dropout[0]] = features
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
        self.features = int(base.output.shape[-1])
        self.model = keras.Model(self.inputs, outputs[head["name"]])
        self.whole = keras.Model(self.inputs, list(outputs.values()))
        """The same layers and weights, with every layer's output."""
        self._by_layer = {
            name: {variable.name: variable for variable in self.layer(name).variables} for name in self.layers
        }

    def layer(self, name: str) -> Any:
        return self.model.get_layer(name)

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

    def weights(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Reads weights back in layer order, in the dtype that they are computed in."""
        wanted = None if names is None else set(names)
        return {
            name: keras.ops.convert_to_numpy(self.variable(name))
            for name in self.names
            if wanted is None or name in wanted
        }
