"""One phase of training: epochs, validation, early stopping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from .checkpoint import in_folder, save
from .digests import check_unmoved, digest_weights, unmoved_names
from .early_stopping import EarlyStopping
from .epoch import train_epoch
from .evaluate import evaluate
from .keras_loop import KerasLoop
from .metrics import round_ms
from .non_finite import check_weights
from .optimizer import rate_at
from .run_state import RunState, now_ms
from .trainer import Trainer


Found = tuple[dict[str, Any], dict[str, np.ndarray]]
"""What an earlier process left of a run: its state, and its tensors."""


def _train(
    state: RunState,
    phase: Mapping[str, Any],
    end_epoch: Callable[[dict[str, float], float, int], bool],
    keep: Callable[[Trainer, Mapping[str, Any]], None],
    found: Found | None,
) -> None:
    """Trains epoch by epoch, by the loop that the settings name.

    @param end_epoch is called after each with running means, ms and images; says whether to stop
    @param keep writes a checkpoint with what is done of an epoch
    """
    if state.engine.loop != "own":
        KerasLoop(state, phase).train(end_epoch)
        return
    trainer = Trainer(state, phase)
    first, progress = 0, None
    if found is not None:
        first, progress = found[0]["progress"]["epochs"], found[0]["progress"]["epoch"]
        trainer.restore_optimizers(in_folder(found[1], "slots"), found[0]["progress"]["counters"])
    write = None if state.checkpoints is None else partial(keep, trainer)
    for index in range(first, phase["epochs"]):
        done = progress if index == first else None
        if end_epoch(*train_epoch(state, trainer, len(state.epochs) + 1, done, write)):
            return


def train_phase(state: RunState, phase: Mapping[str, Any], found: Found | None = None) -> tuple[bool, int]:
    """Trains one phase, or the rest of it.

    @param found what an earlier process left of it; its weights are in the network already
    @returns whether early stopping ended it, and the epoch whose weights these are
    """
    network, plan = state.network, state.plan
    unmoved = unmoved_names(network, phase)
    progress = None if found is None else found[0]["progress"]
    before = digest_weights(network, unmoved, exact=True) if progress is None else progress["unmoved"]
    wanted = state.spec.get("earlyStopping")
    # A trace has no validation to judge by.
    stopping = EarlyStopping(wanted, network.model) if wanted is not None and state.tracer is None else None
    first_step, first_epoch = len(state.step_ms), len(state.epochs) + 1
    if progress is not None:
        first_step, first_epoch = progress["firstStep"], first_epoch - progress["epochs"]
        if stopping is not None:
            stopping.restore(progress["stopping"], in_folder(found[1], "best"))

    def keep(trainer: Trainer, epoch: Mapping[str, Any]) -> None:
        slots, counters = trainer.optimizer_state()
        best = {} if stopping is None else stopping.best_weights
        done = {
            "epochs": len(state.epochs) + 1 - first_epoch,
            "epoch": epoch,
            "counters": counters,
            "stopping": None if stopping is None else stopping.state,
            "unmoved": before,
            "firstStep": first_step,
        }
        tensors = {f"slots/{name}": value for name, value in slots.items()}
        tensors |= {f"best/{name}": value for name, value in best.items()}
        index = next(index for index, other in enumerate(plan["phases"]) if other is phase)
        save(state, index, done, tensors)

    def end_epoch(metrics: dict[str, float], train_ms: float, images: int) -> bool:
        epoch = len(state.epochs) + 1
        steps = math.ceil(images / state.spec["batchSize"])
        learning_rate = rate_at(phase["optimizer"], len(state.step_ms) - steps - first_step)
        started = now_ms()
        validation = evaluate(state, phase, plan["splits"]["validation"]) if state.tracer is None else None
        evaluate_ms = round_ms(now_ms() - started)
        check_weights(network, epoch)
        record = {
            "phase": phase["name"],
            "epoch": epoch,
            "learningRate": learning_rate,
            "train": metrics,
            "validation": None if validation is None else validation.metrics,
            "trainMs": round_ms(train_ms),
            "evaluateMs": evaluate_ms,
            "imagesPerSecond": round_ms(images / train_ms * 1000),
        }
        state.epochs.append(record)
        state.channel.event({"type": "epoch", **record})
        if stopping is not None:
            stopping.observe(epoch - first_epoch, metrics, record["validation"])
        return state.traced_out or (stopping is not None and stopping.stopped)

    _train(state, phase, end_epoch, keep, found)
    best = None if stopping is None else stopping.finish()
    check_unmoved(phase["name"], before, digest_weights(network, unmoved, exact=True))
    stopped = stopping is not None and stopping.stopped
    return stopped, len(state.epochs) if best is None else first_epoch + best
