"""One epoch of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
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


def train_epoch(
    state: RunState,
    trainer: Trainer,
    epoch: int,
    progress: Mapping[str, Any] | None = None,
    keep: Callable[[Mapping[str, Any]], None] | None = None,
) -> tuple[dict[str, float], float, int]:
    """Trains one epoch, or the rest of it, an event a step; a traced run may end within it.

    @param progress what an earlier process did of the epoch
    @param keep writes a checkpoint; None where nobody asked for them
    @returns running means, ms, images
    """
    spec, plan = state.spec, state.plan
    order = epoch_order(plan["splits"]["train"], spec["shuffle"], spec["seed"], epoch)
    augmentation = spec["augmentation"]
    augments = augmentation["horizontalFlip"] or augmentation["maxShift"] > 0
    random = RandomStream(spec["seed"], f"augment/{epoch}") if augments else None
    sums = MetricSums()
    train_ms, first = 0.0, 0
    if progress is not None:
        sums, train_ms, first = MetricSums(**progress["sums"]), progress["trainMs"], progress["images"]
        random = None if progress["random"] is None else RandomStream.resume(progress["random"])

    def write_checkpoint() -> None:
        assert keep is not None
        place = None if random is None else list(random.state)
        keep({"images": sums.images, "random": place, "sums": asdict(sums), "trainMs": train_ms})

    for start in range(first, len(order), spec["batchSize"]):
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
        # A process's first step compiles.
        if step > (state.resumed[-1] if state.resumed else 0) + 1 and len(indices) == full_batch_size(plan):
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
        if keep is not None and state.checkpoints is not None:
            if state.checkpoints.is_due or state.channel.cancelled:
                write_checkpoint()
        state.progress()
    return sums.means(), train_ms, sums.images
