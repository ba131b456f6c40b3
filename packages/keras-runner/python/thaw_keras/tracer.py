"""Evidence of a traced run for the parity ladder.

@see packages/core/src/runner/trace.ts, which defines the files
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .failure import ThawError
from .files import sha256, write_atomically
from .safetensors import write

if TYPE_CHECKING:
    from .images import ImageStore
    from .network import Network  # which would import Keras

TRACED_VALUES = 2**16
STRIDE = 2_654_435_761


def trace_positions(size: int) -> np.ndarray:
    """Flat positions of the values that a trace keeps of a tensor, int64."""
    if size <= TRACED_VALUES:
        return np.arange(size)
    return np.arange(TRACED_VALUES) * STRIDE % size


def _summary(values: np.ndarray) -> np.ndarray:
    """Root mean square, mean, largest magnitude and number of non-finite values, float64 [4]."""
    wide = values.astype(np.float64)
    return np.array(
        [
            np.sqrt(np.mean(np.square(wide))),
            np.mean(wide),
            np.max(np.abs(wide)),
            np.count_nonzero(~np.isfinite(wide)),
        ]
    )


class Tracer:
    """Watches a run and leaves its trace; it alone knows which steps are wanted.

    @param request core's TraceRequest
    """

    def __init__(self, request: Mapping[str, Any], network: Network, images: ImageStore, total_steps: int) -> None:
        self._folder: str = request["folder"]
        self._weights_at: Sequence[int] = request["weightsAt"]
        self._network = network
        self._images = images
        self._last = max([0, *self._weights_at])
        if self._last > total_steps:
            raise ThawError(
                "trace-invalid",
                f"Step {self._last} is to be traced, and the run has {total_steps}.",
                "Trace an earlier step, or train for more epochs.",
            )
        self._steps: list[dict[str, Any]] = []
        self._trained: list[str] = []
        self._first: dict[str, np.ndarray] = {}
        self.done = False
        """Whether the last step that is wanted has been."""

    @staticmethod
    def wants_inside(step: int) -> bool:
        """Whether outputs and gradients of a step are wanted."""
        return step == 1

    def batch(self, step: int, images: np.ndarray, labels: np.ndarray) -> None:
        """Notes what is fed to the network."""
        pixels, classes = self._images.to_pixels(images).tobytes(), labels.astype("<i4").tobytes()
        self._steps.append({"step": step, "images": sha256(pixels), "labels": sha256(classes)})

    def inside(
        self, loss: float, outputs: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray | None]
    ) -> None:
        """Takes what it keeps of one pass: every layer's output and every gradient."""
        self._first["loss"] = np.array([loss], dtype=np.float64)
        for layer, values in outputs.items():
            flat = values.reshape(-1)
            self._first[f"activations/{layer}"] = flat[trace_positions(flat.size)]
            self._first[f"summary/{layer}"] = _summary(flat)
        found = {name: value for name, value in gradients.items() if value is not None}
        self._trained = sorted(found)
        for name in self._trained:
            self._first[f"gradients/{name}"] = found[name]

    def after(self, step: int) -> list[str]:
        """Is called once before the first step (0) and after every step; returns the files that it wrote."""
        files = []
        if self.wants_inside(step):
            files.append(self._write("step-1.safetensors", self._first))
            self._first = {}
        if step in self._weights_at:
            files.append(self._write(f"weights-{step}.safetensors", self._network.weights()))
        self.done = step >= self._last
        return files

    def digests(self) -> dict[str, Any]:
        """Core's TraceDigests."""
        return {"steps": self._steps, "trained": self._trained}

    def _write(self, name: str, tensors: Mapping[str, np.ndarray]) -> str:
        return write_atomically(os.path.join(self._folder, name), write(tensors))
