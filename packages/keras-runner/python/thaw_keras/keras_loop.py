"""Keras's own training loops, `fit` and `train_on_batch`, as its users call them: what a benchmark compares with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from .epoch import epoch_order, full_batch_size
from .failure import ThawError
from .metrics import round_ms
from .network import is_statistic
from .non_finite import non_finite_loss
from .optimizer import make_optimizer
from .run_state import RunState, now_ms
from .trainer import treat

EndEpoch = Callable[[dict[str, float], float, int], bool]


class KerasLoop:
    """Trains the network as a phase of the plan says, by `model.compile` and Keras's own loop.

    Images lie in memory as float arrays before an epoch starts: making them is not timed.
    """

    def __init__(self, state: RunState, phase: Mapping[str, Any]) -> None:
        self._state, self._phase = state, phase
        self._loop = state.engine.loop
        self._order: list[int] = []
        self._images = np.empty(0)
        self._labels = np.empty(0)
        network = state.network
        for treatment in phase["treatments"]:
            treat(network.layer(treatment["name"]), treatment)
        self._check()
        network.model.compile(
            optimizer=make_optimizer(phase["optimizer"], 1.0),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile=False,
            run_eagerly=not state.engine.compiled,
        )

    def _check(self) -> None:
        """Throws ThawError `spec-unsupported` for what this loop cannot be asked for faithfully."""
        state, spec, loop = self._state, self._state.spec, self._loop
        augmentation = spec["augmentation"]
        trainable = {id(variable) for variable in state.network.model.trainable_variables}
        wanted = {
            id(variable)
            for treatment in self._phase["treatments"]
            if treatment["trainable"]
            for name, variable in state.network.variables(treatment["name"]).items()
            if not is_statistic(name)
        }
        rates = {t["lrMultiplier"] for t in self._phase["treatments"] if t["trainableParams"] > 0}
        wrong = {
            "a trace": state.tracer is not None,
            "dropout": bool(state.network.dropouts),
            "augmentation": augmentation["horizontalFlip"] or augmentation["maxShift"] > 0,
            "learning rates by layer": rates != {1},
            "this frozenBatchNorm or batchNorm": trainable != wanted,
            "shuffle": loop == "fit" and spec["shuffle"],
        }
        found = [what for what, is_there in wrong.items() if is_there]
        if found:
            raise ThawError(
                "spec-unsupported",
                f'Runner "keras" cannot do {", ".join(found)} with loop={loop}.',
                "Use loop=own, or change the spec.",
            )

    def train(self, end_epoch: EndEpoch) -> None:
        """Trains all epochs, an event a step. Throws ThawError `non-finite`.

        @param end_epoch is called after each with running means, ms and images; says whether to stop
        """
        if self._loop == "fit":
            self._fit(end_epoch)
            return
        for _ in range(self._phase["epochs"]):
            if end_epoch(*self._train_on_batch(), len(self._order)):
                return

    def _lay_out(self, epoch: int) -> None:
        """Puts the epoch's images and labels into memory in its order."""
        spec, train = self._state.spec, self._state.plan["splits"]["train"]
        order = epoch_order(train, spec["shuffle"], spec["seed"], epoch)
        if order == self._order:
            return
        self._order = order
        self._images = self._state.images.batch(order)
        self._labels = self._state.labels(order)

    def _train_on_batch(self) -> tuple[dict[str, float], float]:
        epoch, size = len(self._state.epochs) + 1, self._state.spec["batchSize"]
        self._lay_out(epoch)
        sums, train_ms = {"loss": 0.0, "accuracy": 0.0}, 0.0
        for start in range(0, len(self._order), size):
            images, labels = self._images[start : start + size], self._labels[start : start + size]
            started = now_ms()
            means = self._state.network.model.train_on_batch(images, labels, return_dict=True)
            ms = round_ms(now_ms() - started)
            train_ms += ms
            for name in sums:
                sums[name] += float(means[name]) * len(labels)
            self._note_step(float(means["loss"]), ms, start)
            self._state.progress()
        return {name: value / len(self._order) for name, value in sums.items()}, train_ms

    def _fit(self, end_epoch: EndEpoch) -> None:
        self._lay_out(len(self._state.epochs) + 1)
        self._state.network.model.fit(
            self._images,
            self._labels,
            batch_size=self._state.spec["batchSize"],
            epochs=self._phase["epochs"],
            shuffle=False,
            verbose=0,
            callbacks=[_Clock(self._state, lambda clock: self._tell(clock, end_epoch))],
        )

    def _tell(self, clock: _Clock, end_epoch: EndEpoch) -> bool:
        """Tells of an epoch of `fit`, after it: what is said during it would be timed."""
        size, before, total = self._state.spec["batchSize"], clock.started, 0.0
        for index, (at, mean) in enumerate(clock.batches):
            start = index * size
            images = min(size, len(self._order) - start)
            sum_so_far = mean * (start + images)  # fit tells the mean over the epoch so far
            self._note_step((sum_so_far - total) / images, round_ms(at - before), start)
            before, total = at, sum_so_far
        return end_epoch(clock.means, clock.ended - clock.started, len(self._order))

    def _note_step(self, loss: float, ms: float, start: int) -> None:
        """Tells of a step.

        @param start place of its first image
        """
        state = self._state
        epoch, step = len(state.epochs) + 1, len(state.step_ms) + 1
        images = self._images[start : start + state.spec["batchSize"]]
        if not math.isfinite(loss):
            at = {"epoch": epoch, "step": step, "loss": loss}
            raise non_finite_loss(state.network, self._phase, state.inputs(images), at)
        if step > 1 and len(images) == full_batch_size(state.plan):
            state.steady_ms.append(ms)
        state.step_ms.append(ms)
        record = {"epoch": epoch, "step": step, "loss": loss}
        if state.spec["record"] == "steps":
            state.steps.append(record)
        state.channel.event({"type": "step", **record, "ms": ms, "images": len(images)})


class _Clock(keras.callbacks.Callback):
    """Notes when an epoch of `fit` starts, when each batch is done, and when it ends.

    @param tell is called after each epoch; says whether to stop
    """

    def __init__(self, state: RunState, tell: Callable[[_Clock], bool]) -> None:
        super().__init__()
        self._state, self._tell = state, tell
        self.started = self.ended = 0.0
        self.batches: list[tuple[float, float]] = []
        """Time, and the mean loss so far."""
        self.means: dict[str, float] = {}

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.batches = []
        self.started = now_ms()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self.batches.append((now_ms(), float((logs or {})["loss"])))
        self._state.progress()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.ended = now_ms()
        self.means = {name: float((logs or {})[name]) for name in ("loss", "accuracy")}
        if self._tell(self):
            self.model.stop_training = True
