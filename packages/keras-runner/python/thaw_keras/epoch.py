"""One epoch of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .metrics import MetricSums, round_ms
from .random_stream import RandomStream
from .run_state import RunState, now_ms
from .trainer import Trainer


def epoch_order(train: list[int], shuffle: bool, seed: int, epoch: int) -> list[int]:
    """The order of the training images in an epoch."""
    return RandomStream(seed, f"order/{epoch}").shuffle(list(train)) if shuffle else train


def full_batch_size(plan: Mapping[str, Any]) -> int:
    """Images in every batch of an epoch but, perhaps, the last."""
    return min(plan["spec"]["batchSize"], len(plan["splits"]["train"]))


def train_epoch(state: RunState, trainer: Trainer, epoch: int) -> tuple[dict[str, float], float, int]:
    """Trains one epoch, an event a step; a traced run may end within it.

    @returns running means, ms, images
    """
    spec, plan = state.spec, state.plan
    order = epoch_order(plan["splits"]["train"], spec["shuffle"], spec["seed"], epoch)
    augmentation = spec["augmentation"]
    augments = augmentation["horizontalFlip"] or augmentation["maxShift"] > 0
    random = RandomStream(spec["seed"], f"augment/{epoch}") if augments else None
    sums = MetricSums()
    train_ms = 0.0
    for start in range(0, len(order), spec["batchSize"]):
        step = len(state.step_ms) + 1
        started = now_ms()
        indices = order[start : start + spec["batchSize"]]
        images = state.images.batch(indices, augmentation, random)
        labels = state.labels(indices)
        if state.tracer is not None:
            state.tracer.batch(step, images, labels)
        loss = trainer.step(images, labels, sums, epoch, step)
        ms = round_ms(now_ms() - started)
        train_ms += ms
        if step > 1 and len(indices) == full_batch_size(plan):
            state.steady_ms.append(ms)
        state.step_ms.append(ms)
        record = {"epoch": epoch, "step": step, "loss": loss}
        if spec["record"] == "steps":
            state.steps.append(record)
        state.channel.event({"type": "step", **record, "ms": ms, "images": len(indices)})
        if state.tracer is not None:
            for file in state.tracer.after(step):
                state.channel.event({"type": "trace", "file": file})
        if state.traced_out:
            break
        state.progress()
    return sums.means(), train_ms, sums.images
