"""Hashes of weights: SHA-256 of the safetensors file that holds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from .failure import ThawError
from .files import sha256
from .network import Network, is_statistic
from .safetensors import write


def as_float32(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: value.astype(np.float32) for name, value in values.items()}


def digest_weights(network: Network, names: Collection[str] | None = None, exact: bool = False) -> str:
    """Digest over all weights or some.

    @param exact in the dtype that they are computed in, to see the smallest move; else in float32, as every runner
    """
    values = network.weights(names)
    return sha256(write(values if exact else as_float32(values)))


def unmoved_names(network: Network, phase: Mapping[str, Any]) -> list[str]:
    """Weights that a phase must not move: frozen ones, and moving statistics of BN in inference mode, others' statistics."""
    names = []
    for treatment in phase["treatments"]:
        for name in network.variables(treatment["name"]):
            if is_statistic(name):
                unmoved = treatment["batchNormMode"] != "batch-stats"
            else:
                unmoved = not treatment["trainable"]
            if unmoved:
                names.append(name)
    return names


def check_unmoved(phase: str, before: str, after: str) -> None:
    """Throws ThawError `frozen-moved` unless the hashes are equal."""
    if before != after:
        raise ThawError(
            "frozen-moved",
            f'Frozen weights moved in phase "{phase}": SHA-256 {before} became {after}.',
            "This is a fault of the runner; please report it.",
        )
