"""One phase of training: epochs, validation, early stopping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

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


def _train(
    state: RunState, phase: Mapping[str, Any], end_epoch: Callable[[dict[str, float], float, int], bool]
) -> None:
    """Trains epoch by epoch, by the loop that the settings name.

    @param end_epoch is called after each with running means, ms and images; says whether to stop
    """
    if state.engine.loop != "own":
        KerasLoop(state, phase).train(end_epoch)
        return
    trainer = Trainer(state, phase)
    for _ in range(phase["epochs"]):
        if end_epoch(*train_epoch(state, trainer, len(state.epochs) + 1)):
            return


def train_phase(state: RunState, phase: Mapping[str, Any]) -> tuple[bool, int]:
    """Trains one phase; returns whether early stopping ended it, and the epoch whose weights these are."""
    network, plan = state.network, state.plan
    unmoved = unmoved_names(network, phase)
    before = digest_weights(network, unmoved, exact=True)
    wanted = state.spec.get("earlyStopping")
    # A trace has no validation to judge by.
    stopping = EarlyStopping(wanted, network.model) if wanted is not None and state.tracer is None else None
    first_step, first_epoch = len(state.step_ms), len(state.epochs) + 1

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

    _train(state, phase, end_epoch)
    best = None if stopping is None else stopping.finish()
    check_unmoved(phase["name"], before, digest_weights(network, unmoved, exact=True))
    stopped = stopping is not None and stopping.stopped
    return stopped, len(state.epochs) if best is None else first_epoch + best
