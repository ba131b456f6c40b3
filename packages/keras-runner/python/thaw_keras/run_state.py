"""A run in progress: what all its phases share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .channel import Channel
from .engine import Engine
from .failure import ThawError
from .images import ImageStore
from .network import Network
from .random_stream import RandomStream
from .tracer import Tracer


@dataclass
class RunState:
    plan: Mapping[str, Any]
    channel: Channel
    engine: Engine
    network: Network
    images: ImageStore
    tracer: Tracer | None
    infer: Any
    """The backend's inference function."""
    epochs: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    step_ms: list[float] = field(default_factory=list)
    steady_ms: list[float] = field(default_factory=list)
    """Times of the steps that were not the first and had a full batch."""

    @property
    def spec(self) -> Mapping[str, Any]:
        return self.plan["spec"]

    @property
    def traced_out(self) -> bool:
        """Whether the last step that a trace wants has been."""
        return self.tracer is not None and self.tracer.done

    def labels(self, indices: list[int]) -> np.ndarray:
        """Class of each image, int32 [batch]."""
        return np.array([self.plan["dataset"]["labels"][index] for index in indices], dtype=np.int32)

    def inputs(self, images: np.ndarray, step: int | None = None) -> list[np.ndarray]:
        """The network's inputs: images, and the dropout mask where it has one.

        @param step whose mask it is; without, everything is kept
        """
        if self.network.dropout is None:
            return [images]
        name, rate = self.network.dropout
        shape = (len(images), self.network.features)
        mask = np.ones(shape, dtype=self.engine.dtype)
        if step is not None:
            uniform = RandomStream(self.spec["seed"], f"dropout/{name}/{step}").uniforms(mask.size).reshape(shape)
            mask = np.where(uniform < rate, 0, 1 / (1 - rate)).astype(self.engine.dtype)
        return [images, mask]

    def progress(self) -> None:
        """Is called after every batch: shows life, and stops a run that was cancelled. Throws ThawError `cancelled`."""
        self.channel.alive()
        if self.channel.cancelled:
            raise ThawError("cancelled", "The run was cancelled.")


def now_ms() -> float:
    """Monotonic clock."""
    return time.perf_counter() * 1000
