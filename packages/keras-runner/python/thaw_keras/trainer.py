"""One phase's training functions: which weights train, how each layer normalises, which optimizer moves what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from .backends import Forward, UpdateGroup
from .metrics import MetricSums
from .network import is_statistic
from .non_finite import non_finite_loss
from .optimizer import make_optimizer
from .run_state import RunState


class Trainer:
    """Trains the network as a phase of the plan says."""

    def __init__(self, state: RunState, phase: Mapping[str, Any]) -> None:
        self._state = state
        self._phase = phase
        network, engine = state.network, state.engine
        groups: dict[float, list[str]] = {}
        self.names: list[str] = []
        """Names of the weights that train, in layer order."""
        for treatment in phase["treatments"]:
            treat(network.layer(treatment["name"]), treatment)
            if not treatment["trainable"]:
                continue
            own = [name for name in network.variables(treatment["name"]) if not is_statistic(name)]
            if own:
                groups.setdefault(treatment["lrMultiplier"], []).extend(own)
            self.names += own
        self._trained = [network.variable(name) for name in self.names]
        self._pass = engine.backend.gradient_function(network.model, self._trained, engine.compiled)
        self._groups = [self._group(multiplier, names) for multiplier, names in groups.items()]
        self._update = engine.backend.update_function(self._groups, engine.compiled)

    def _group(self, multiplier: float, names: list[str]) -> UpdateGroup:
        """Keras has one rate for an optimizer: a multiplier of its own takes an optimizer of its own."""
        optimizer = make_optimizer(self._phase["optimizer"], multiplier)
        variables = [self._state.network.variable(name) for name in names]
        optimizer.build(variables)
        return UpdateGroup(optimizer, variables, [self.names.index(name) for name in names])

    def _optimizer_variables(self) -> dict[str, Any]:
        """Keras variables of all optimizers: counters, slots, rates that are no schedule."""
        return {
            f"{group}/{place}": variable
            for group, entry in enumerate(self._groups)
            for place, variable in enumerate(entry.optimizer.variables)
        }

    def optimizer_state(self) -> tuple[dict[str, np.ndarray], dict[str, int]]:
        """Slots and counters of the optimizers."""
        values = {name: keras.ops.convert_to_numpy(v) for name, v in self._optimizer_variables().items()}
        slots = {name: value for name, value in values.items() if value.dtype.kind == "f"}
        return slots, {name: int(value) for name, value in values.items() if name not in slots}

    def restore_optimizers(self, slots: Mapping[str, np.ndarray], counters: Mapping[str, int]) -> None:
        """Goes on where other optimizers stood."""
        for name, variable in self._optimizer_variables().items():
            variable.assign(slots[name] if name in slots else counters[name])

    def step(self, images: np.ndarray, labels: np.ndarray, sums: MetricSums, epoch: int, step: int) -> float:
        """Forward, loss, backward, update. Throws ThawError `non-finite` before anything is updated.

        @param images [batch, height, width, 3], preprocessed
        @param sums the epoch's metrics, added to
        @returns the batch's mean loss before the update
        """
        inputs = self._state.inputs(images, step)
        tracer = self._state.tracer
        traced = tracer is not None and tracer.wants_inside(step)
        result = (self._whole_pass() if traced else self._pass)(inputs, labels)
        losses, probabilities = (keras.ops.convert_to_numpy(t) for t in (result.losses, result.probabilities))
        loss, _ = sums.add(losses, probabilities, labels)
        if not math.isfinite(loss):
            at = {"epoch": epoch, "step": step, "loss": loss}
            raise non_finite_loss(self._state.network, self._phase, self._state.inputs(images), at)
        if traced:
            self._trace(loss, result)
        self._update(result.gradients)
        return loss

    def _whole_pass(self) -> Any:
        """The pass that also returns every layer's output; op by op, for one step is not worth compiling."""
        return self._state.engine.backend.gradient_function(self._state.network.whole, self._trained, compiled=False)

    def _trace(self, loss: float, result: Forward) -> None:
        to_numpy = keras.ops.convert_to_numpy
        outputs = {
            name: to_numpy(value) for name, value in zip(self._state.network.layers, result.outputs, strict=True)
        }
        gradients = {
            name: None if value is None else to_numpy(value)
            for name, value in zip(self.names, result.gradients, strict=True)
        }
        assert self._state.tracer is not None
        self._state.tracer.inside(loss, outputs, gradients)


def treat(layer: Any, treatment: Mapping[str, Any]) -> None:
    """Sets `trainable`, from which Keras tells the mode of a batch normalization.

    Where the spec wants another mode than Keras has for it (`frozenBatchNorm: "batch-stats"`, `batchNorm:
    "inference-all"`), the flag is set by the mode; what trains is decided by the list of weights that get gradients.
    """
    mode = treatment["batchNormMode"]
    layer.trainable = treatment["trainable"] if mode is None else mode == "batch-stats"
