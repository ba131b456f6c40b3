"""JAX below Keras: functions of explicit state, always compiled: op by op, JAX compiles every op alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np

from ..failure import ThawError
from ..objective import as_list, losses_of
from . import Description, Forward, GradientFunction, InferenceFunction, Inputs, Settings, UpdateFunction, UpdateGroup

PACKAGE = "jax"


def configure(settings: Settings) -> Description:
    if settings["threads"] != settings["allThreads"]:
        raise ThawError(
            "setting-invalid", "JAX does not let its threads be chosen.", "Leave threads at 0 with backend=jax."
        )
    jax.config.update("jax_default_matmul_precision", "highest")
    device = jax.devices()[0]
    gpu = None if device.platform == "cpu" else device.device_kind
    return Description(f"JAX {jax.__version__}", {"jax": jax.__version__}, gpu, {**settings, "step": "compiled"})


def gradient_function(model: Any, trained: Sequence[Any], compiled: bool) -> GradientFunction:
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    split = len(model.trainable_variables)
    places = [next(i for i, other in enumerate(variables) if other is variable) for variable in trained]

    def loss_of(values: Sequence[Any], state: Sequence[Any], inputs: Any, labels: Any) -> tuple[Any, Any]:
        whole = list(state)
        for place, value in zip(places, values, strict=True):
            whole[place] = value
        outputs, moved = model.stateless_call(whole[:split], whole[split:], inputs, training=True)
        logits = as_list(outputs)[-1]
        losses = losses_of(labels, logits)
        return losses.mean(), (as_list(outputs), losses, keras.ops.softmax(logits), moved)

    pass_ = jax.jit(jax.value_and_grad(loss_of, has_aux=True))

    def call(inputs: Inputs, labels: np.ndarray) -> Forward:
        state = [variable.value for variable in variables]
        (_, (*results, moved)), gradients = pass_([state[place] for place in places], state, list(inputs), labels)
        for variable, value in zip(variables[split:], moved, strict=True):
            variable.assign(value)
        return Forward(*results, gradients)

    return call


def update_function(groups: Sequence[UpdateGroup], compiled: bool) -> UpdateFunction:
    functions = [jax.jit(group.optimizer.stateless_apply) for group in groups]

    def run(gradients: Sequence[Any]) -> None:
        for group, function in zip(groups, functions, strict=True):
            slots = [variable.value for variable in group.optimizer.variables]
            weights = [variable.value for variable in group.variables]
            weights, slots = function(slots, [gradients[place] for place in group.places], weights)
            for variable, value in zip([*group.variables, *group.optimizer.variables], [*weights, *slots], strict=True):
                variable.assign(value)

    return run


def inference_function(model: Any, compiled: bool) -> InferenceFunction:
    def run(trainable: Any, rest: Any, inputs: Any, labels: Any) -> tuple[Any, Any]:
        logits, _ = model.stateless_call(trainable, rest, inputs, training=False)
        return losses_of(labels, logits), keras.ops.softmax(logits)

    functions: dict[tuple[str, ...], Callable[..., Any]] = {}

    def call(inputs: Inputs, labels: np.ndarray) -> tuple[Any, Any]:
        # Which variables count as trainable changes from phase to phase, and a compiled function remembers it.
        key = tuple(variable.path for variable in model.trainable_variables)
        function = functions.setdefault(key, jax.jit(run))
        state = [[v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)]
        return function(*state, list(inputs), labels)

    return call
