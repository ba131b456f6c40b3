"""The weights that a run starts from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .failure import ThawError
from .files import read_blob
from .random_stream import RandomStream
from .safetensors import parse

if TYPE_CHECKING:
    from .network import Network  # which would import Keras


def fresh(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """A fresh weight, float32: Glorot uniform from the tensor's own stream, biases 0, normalizations identity.

    @see packages/core/src/train/initial-weights.ts
    """
    kind = name.rsplit("/", 1)[1]
    if kind != "kernel":
        return np.full(shape, 1 if kind in ("gamma", "moving_variance", "variance") else 0, dtype=np.float32)
    field = math.prod(shape[:-2])
    limit = math.sqrt(6 / (field * shape[-2] + field * shape[-1]))
    uniform = RandomStream(seed, f"init/{name}").uniforms(math.prod(shape))
    return ((uniform * 2 - 1) * limit).astype(np.float32).reshape(shape)


def starting_weights(plan: Mapping[str, Any], network: Network, store: str) -> dict[str, np.ndarray]:
    """Pretrained base and given head from their blobs, the rest fresh; in layer order.

    Throws ThawError `blob-corrupt`, `safetensors-invalid`, `non-finite`.
    """
    given: dict[str, np.ndarray] = {}
    for ref in (plan["weights"], plan["headWeights"]):
        if ref is not None and ref["blob"] is not None:
            given.update(parse(read_blob(store, ref["blob"]), ref["source"]))
    weights = {
        name: given[name] if name in given else fresh(name, tuple(network.variable(name).shape), plan["spec"]["seed"])
        for name in network.names
    }
    for name, value in weights.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            where = f'the weights "{name}"'
            raise ThawError(
                "non-finite",
                f"Training did not start: {where} that it was given are not finite.",
                "Use a sound weight file.",
                {"where": where},
            )
    return weights
