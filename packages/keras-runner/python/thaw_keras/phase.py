"""One phase of training: epochs, validation, early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .digests import check_unmoved, digest_weights, unmoved_names
from .early_stopping import EarlyStopping
from .epoch import train_epoch
from .evaluate import evaluate
from .metrics import round_ms
from .non_finite import check_weights
from .optimizer import rate_at
from .run_state import RunState, now_ms
from .trainer import Trainer


def train_phase(state: RunState, phase: Mapping[str, Any]) -> tuple[bool, int]:
    """Trains one phase; returns whether early stopping ended it, and the epoch whose weights these are."""
    network, plan = state.network, state.plan
    unmoved = unmoved_names(network, phase)
    before = digest_weights(network, unmoved, exact=True)
    trainer = Trainer(state, phase)
    wanted = state.spec.get("earlyStopping")
    # A trace has no validation to judge by.
    stopping = EarlyStopping(wanted, network.model) if wanted is not None and state.tracer is None else None
    first_step, first_epoch = len(state.step_ms), len(state.epochs) + 1
    for index in range(phase["epochs"]):
        epoch = len(state.epochs) + 1
        learning_rate = rate_at(phase["optimizer"], len(state.step_ms) - first_step)
        metrics, train_ms, images = train_epoch(state, trainer, epoch)
        started = now_ms()
        validation = evaluate(state, phase, plan["splits"]["validation"]) if state.tracer is None else None
        evaluate_ms = round_ms(now_ms() - started)
        check_weights(network, epoch)
        record = {
            "phase": phase["name"],
            "epoch": epoch,
            "learningRate": learning_rate,
            "train": metrics,
            "validation": None if validation is None else validation[0],
            "trainMs": round_ms(train_ms),
            "evaluateMs": evaluate_ms,
            "imagesPerSecond": round_ms(images / train_ms * 1000),
        }
        state.epochs.append(record)
        state.channel.event({"type": "epoch", **record})
        if stopping is not None:
            stopping.observe(index, metrics, record["validation"])
        if state.traced_out or (stopping is not None and stopping.stopped):
            break
    best = None if stopping is None else stopping.finish()
    check_unmoved(phase["name"], before, digest_weights(network, unmoved, exact=True))
    stopped = stopping is not None and stopping.stopped
    return stopped, len(state.epochs) if best is None else first_epoch + best
