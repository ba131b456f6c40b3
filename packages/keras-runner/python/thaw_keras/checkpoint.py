"""What a run needs to go on in another process: one file, replaced whole by each next one.

The file is Keras's own; core's runners write another. Its tensors are `weights/NAME`, `slots/GROUP/PLACE` and
`best/PLACE`; the metadata has the rest as JSON, and a digest of it all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .channel import Channel
from .failure import ThawError
from .files import sha256, write_atomically
from .run_state import RunState, now_ms
from .safetensors import metadata, parse, write

Tensors = Mapping[str, np.ndarray]


def _identity(plan: Mapping[str, Any], by: str, environment: Mapping[str, Any]) -> str:
    """Names who may go on: the same plan on the same engine, by the same program."""
    engine = {key: environment[key] for key in ("runner", "engine", "device", "settings", "versions")}
    made_by = {"plan": plan["planHash"], "record": plan["spec"]["record"], "by": by, "computedBy": engine}
    return sha256(json.dumps(made_by, sort_keys=True).encode())


class Checkpoints:
    """Writes a run's checkpoints when it is time, and finds the one that an earlier process left.

    @param request core's CheckpointRequest
    """

    def __init__(
        self, request: Mapping[str, Any], plan: Mapping[str, Any], environment: Mapping[str, Any], channel: Channel
    ) -> None:
        self._file: str = request["file"]
        self._every_ms: float = request["everyMs"]
        self._identity = _identity(plan, request["by"], environment)
        self._channel = channel
        self._written = now_ms()
        self._failed = False

    @property
    def is_due(self) -> bool:
        return now_ms() - self._written >= self._every_ms

    def read(self) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """State and tensors; None where there is nothing to go on from, which is told unless there is no file."""
        try:
            with open(self._file, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._ignore(f"{self._file} cannot be read: {error.strerror}.")
        try:
            tensors, content = parse(data, "the checkpoint"), metadata(data, "the checkpoint")
        except ThawError as error:
            return self._ignore(f"The checkpoint is damaged: {error.message}")
        if content.pop("digest", None) != sha256(write(tensors, content)):
            return self._ignore("The checkpoint is damaged: its digest is another.")
        if content.get("version") != "1" or content.get("identity") != self._identity:
            return self._ignore(
                "The checkpoint is of another version, engine, device or plan: going on from it would not give the bits"
                " of an uninterrupted run."
            )
        return json.loads(content["run"]), tensors

    def _ignore(self, why: str) -> None:
        warning = {"type": "warning", "code": "checkpoint-ignored", "message": f"{why} The run starts again."}
        self._channel.event(warning)

    def write(self, run: Mapping[str, Any], tensors: Tensors) -> None:
        """Writes one. A disk that is full costs the checkpoint, not the run, and is told once until it is not."""
        started, step = now_ms(), len(run["stepMs"])
        content = {"version": "1", "identity": self._identity, "run": json.dumps(run)}
        data = write(tensors, {**content, "digest": sha256(write(tensors, content))})
        try:
            write_atomically(self._file, data)
        except ThawError as error:
            if not self._failed:
                message = f"No checkpoint after step {step}: {error.message}"
                self._channel.event({"type": "warning", "code": "checkpoint-failed", "message": message})
            self._failed = True
        else:
            self._failed = False
            epoch = len(run["epochs"]) + 1
            event = {"epoch": epoch, "step": step, "bytes": len(data), "ms": now_ms() - started}
            self._channel.event({"type": "checkpoint", **event})
        self._written = now_ms()


def save(state: RunState, phase: int, progress: Mapping[str, Any], tensors: Tensors) -> None:
    """Writes a checkpoint of a run between two steps.

    @param phase index of the phase in progress
    @param progress of the phase, as JSON
    @param tensors of the phase: slots and best weights
    """
    assert state.checkpoints is not None
    moved = [name for name in state.network.names if name not in state.ever_frozen]
    weights = {f"weights/{name}": value for name, value in state.network.weights(moved).items()}
    run = {
        "phase": phase,
        "progress": progress,
        "epochs": state.epochs,
        "steps": state.steps,
        "stepMs": state.step_ms,
        "steadyMs": state.steady_ms,
        "resumed": state.resumed,
        "elapsedMs": now_ms() - state.started_ms,
    }
    state.checkpoints.write(run, {**weights, **tensors})


def restore(state: RunState, run: Mapping[str, Any], tensors: Tensors) -> None:
    """Brings a run that has just begun to where a checkpoint was written; its phase does the rest."""
    network = state.network
    network.assign({**network.weights(), **in_folder(tensors, "weights")})
    state.epochs += run["epochs"]
    state.steps += run["steps"]
    state.step_ms += run["stepMs"]
    state.steady_ms += run["steadyMs"]
    state.resumed += [*run["resumed"], len(run["stepMs"])]
    state.started_ms -= run["elapsedMs"]
    at = {"epoch": len(run["epochs"]) + 1, "step": len(run["stepMs"])}
    state.channel.event({"type": "resume", **at, "epochs": run["epochs"]})


def in_folder(tensors: Tensors, folder: str) -> dict[str, np.ndarray]:
    """Tensors of one kind, without its name."""
    return {
        name.removeprefix(f"{folder}/"): value for name, value in tensors.items() if name.startswith(f"{folder}/")
    }
