"""Keras's optimizers and schedules, made from a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from .failure import unsupported


def make_rate(rate: float | Mapping[str, Any], multiplier: float = 1.0) -> Any:
    """A rate, or one of Keras's schedules, times a factor."""
    if not isinstance(rate, Mapping):
        return float(rate * multiplier)  # JSON has no 1.0, and Keras takes no 1
    # Keras computes a schedule in the type of its numbers; plain ones would be float32 even where all else is float64.
    number = np.dtype(keras.config.floatx()).type
    schedules = keras.optimizers.schedules
    kind = rate["schedule"]
    if kind == "cosine":
        initial, target = number(rate["initial"] * multiplier), rate.get("warmupTarget")
        common = {"decay_steps": rate["decaySteps"], "alpha": rate["alpha"], "warmup_steps": rate["warmupSteps"]}
        if target is not None:
            return schedules.CosineDecay(initial, warmup_target=number(target * multiplier), **common)
        if rate["warmupSteps"] == 0:
            return schedules.CosineDecay(initial, **common)
        return schedules.CosineDecay(number(0), warmup_target=initial, **common)
    if kind == "exponential":
        return schedules.ExponentialDecay(
            number(rate["initial"] * multiplier), rate["decaySteps"], rate["decayRate"], rate["staircase"]
        )
    if kind == "piecewise":
        return schedules.PiecewiseConstantDecay(
            rate["boundaries"], [number(value * multiplier) for value in rate["values"]]
        )
    raise unsupported("optimizer.learningRate.schedule", kind, "cosine, exponential, piecewise")


def make_optimizer(spec: Mapping[str, Any], multiplier: float) -> Any:
    """Keras's optimizer with a spec's numbers and its rate times a factor."""
    rate = make_rate(spec["learningRate"], multiplier)
    name = spec["name"]
    if name == "adam":
        return keras.optimizers.Adam(rate, beta_1=spec["beta1"], beta_2=spec["beta2"], epsilon=spec["epsilon"])
    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=float(spec["momentum"]), nesterov=spec["nesterov"])
    if name == "rmsprop":
        return keras.optimizers.RMSprop(
            rate, rho=spec["rho"], momentum=float(spec["momentum"]), epsilon=spec["epsilon"], centered=spec["centered"]
        )
    raise unsupported("optimizer.name", name, "adam, sgd, rmsprop")


def rate_at(spec: Mapping[str, Any], step: int) -> float:
    """Rate that an update uses, before multipliers; step 0 is the first."""
    rate = make_rate(spec["learningRate"])
    return float(rate(step)) if callable(rate) else rate
