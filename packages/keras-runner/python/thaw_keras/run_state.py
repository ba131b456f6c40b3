"""A run in progress: what all its phases share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .channel import Channel
from .engine import Engine
from .failure import ThawError
from .images import ImageStore
from .network import Network
from .random_stream import RandomStream
from .tracer import Tracer

if TYPE_CHECKING:
    from .checkpoint import Checkpoints


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
    """Times of the steps that were not the first of a process and had a full batch."""
    ever_frozen: frozenset[str] = frozenset()
    """Names of the weights that no phase may move."""
    resumed: list[int] = field(default_factory=list)
    """Steps after which another process went on with the run."""
    started_ms: float = 0.0
    """When the run started; in the past of a process that goes on with it."""
    checkpoints: Checkpoints | None = None
    """None where nobody asked for them."""

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
        """The network's inputs: images, and the mask of each dropout layer that it has.

        @param step whose masks they are; without, everything is kept
        """
        inputs = [images]
        for dropout in self.network.dropouts:
            shape = (len(images), *dropout.shape)
            mask = np.ones(shape, dtype=self.engine.dtype)
            if step is not None and dropout.name not in self.kept:
                label = f"dropout/{dropout.name}/{step}"
                uniform = RandomStream(self.spec["seed"], label).uniforms(mask.size).reshape(shape)
                mask = np.where(uniform < dropout.rate, 0, 1 / (1 - dropout.rate)).astype(self.engine.dtype)
            inputs.append(mask)
        return inputs

    @property
    def kept(self) -> set[str]:
        """Dropout layers that pass everything on in training, too: the same in every phase, it is the spec's doing."""
        treatments = self.plan["phases"][0]["treatments"]
        return {row["name"] for row in treatments if row.get("dropoutMode") == "inference"}

    def progress(self) -> None:
        """Is called after every batch: shows life, and stops a run that was cancelled. Throws ThawError `cancelled`."""
        self.channel.alive()
        if self.channel.cancelled:
            raise ThawError("cancelled", "The run was cancelled.")


def now_ms() -> float:
    """Monotonic clock."""
    return time.perf_counter() * 1000
