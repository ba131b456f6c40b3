"""Trains a plan, telling what core's RunEvents tell."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from thaw_keras.channel import Channel
from thaw_keras.failure import ThawError
from thaw_keras.images import ImageStore
from thaw_keras.initial_weights import starting_weights
from thaw_keras.machine import peak_rss_bytes

from .network import Network


def _check(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The one phase. Throws ThawError `spec-unsupported`."""
    spec, phases = plan["spec"], plan["phases"]
    augmentation = spec["augmentation"]
    phase = phases[0]
    optimizer = phase["optimizer"]
    multipliers = {t["lrMultiplier"] for t in phase["treatments"] if t["trainableParams"] > 0}
    plain = (
        len(phases) == 1
        and not spec["shuffle"]
        and not augmentation["horizontalFlip"]
        and augmentation["maxShift"] == 0
        and spec["model"]["head"]["dropout"] == 0
        and multipliers == {1}
        and optimizer["name"] == "adam"
        and not isinstance(optimizer["learningRate"], dict)
    )
    if not plain:
        raise ThawError(
            "spec-unsupported",
            "The baseline pytorch trains with Adam, a fixed rate, and whole layers frozen.",
            "Leave out rules, schedules, dropout and augmentation, or the baseline.",
        )
    return phase


def _now_ms() -> float:
    return time.perf_counter() * 1000


def _weights(plan: Mapping[str, Any], network: Network, store: str) -> dict[str, np.ndarray]:
    """Starting weights by Keras's names, as every runner starts from."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer_name, layer in network.layers.items():
        if isinstance(layer, nn.BatchNorm2d):
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            shapes.update({f"{layer_name}/{name}": (layer.num_features,) for name in names})
        elif isinstance(layer, nn.Linear):
            shapes[f"{layer_name}/kernel"] = (layer.in_features, layer.out_features)
            shapes[f"{layer_name}/bias"] = (layer.out_features,)
        else:
            kernel = layer.kernel_size
            ends = (layer.in_channels, 1) if layer.groups > 1 else (layer.in_channels, layer.out_channels)
            shapes[f"{layer_name}/kernel"] = (*kernel, *ends)
    named = SimpleNamespace(names=list(shapes), variable=lambda name: SimpleNamespace(shape=shapes[name]))
    return starting_weights(plan, named, store)  # type: ignore[arg-type]


def _outcome(phase: Mapping[str, Any], records: list[dict[str, Any]], step_ms: list[float]) -> dict[str, Any]:
    """What is known of a run that only trained: it judged no image, and took no digest."""
    last = records[-1]
    train_ms = sum(record["trainMs"] for record in records)
    nothing: dict[str, list[float]] = {"losses": [], "confidences": []}
    return {
        "trainable": phase["trainable"],
        "epochs": records,
        "final": {
            "train": last["train"],
            "validation": None,
            "test": None,
            "epoch": last["epoch"],
            "stoppedEarly": False,
        },
        "predictions": {"validation": [], "test": []},
        "certainty": {"validation": nothing, "test": nothing},
        "digests": {"initial": "", "final": "", "frozen": {"tensors": 0, "before": "", "after": ""}},
        "timing": {
            "totalMs": train_ms,
            "trainMs": train_ms,
            "evaluateMs": 0,
            "firstStepMs": step_ms[0],
            "stepMs": step_ms,
            "imagesPerSecond": last["imagesPerSecond"],
        },
        "memory": {"peakTensors": 0, "peakTensorBytes": 0, "peakRssBytes": peak_rss_bytes()},
        "underTrained": False,
    }


def train(plan: Mapping[str, Any], store: str, channel: Channel, environment: dict[str, Any]) -> None:
    """Runs a plan. Throws ThawError `spec-unsupported`, `cancelled`."""
    phase = _check(plan)
    spec, order = plan["spec"], plan["splits"]["train"]
    size, epochs = spec["batchSize"], spec["epochs"]
    total = math.ceil(len(order) / size) * epochs
    channel.event({"type": "start", "environment": environment, "trainable": phase["trainable"], "totalSteps": total})
    network = Network(spec["model"], len(plan["dataset"]["classes"]))
    network.assign(_weights(plan, network, store))
    network.freeze(phase["treatments"])
    network.to(memory_format=torch.channels_last)
    optimizer_spec = phase["optimizer"]
    optimizer = torch.optim.Adam(
        [weight for weight in network.parameters() if weight.requires_grad],
        lr=optimizer_spec["learningRate"],
        betas=(optimizer_spec["beta1"], optimizer_spec["beta2"]),
        eps=optimizer_spec["epsilon"],
    )
    pixels = ImageStore(plan["dataset"], store, "float32", plan["preprocessing"]).batch(order)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # which is channels last
    labels = torch.tensor([plan["dataset"]["labels"][index] for index in order])
    step_ms: list[float] = []
    records: list[dict[str, Any]] = []
    for epoch in range(1, epochs + 1):
        train_ms, loss_sum, correct = 0.0, 0.0, 0
        for start in range(0, len(order), size):
            started = _now_ms()
            x, y = images[start : start + size], labels[start : start + size]
            logits = network(x)
            loss = nn.functional.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            value, right = loss.item(), int((logits.argmax(1) == y).sum())
            ms = round(_now_ms() - started, 2)
            step_ms.append(ms)
            train_ms, loss_sum, correct = train_ms + ms, loss_sum + value * len(y), correct + right
            done = {"epoch": epoch, "step": len(step_ms), "loss": value, "ms": ms, "images": len(y)}
            channel.event({"type": "step", **done})
            if channel.cancelled:
                raise ThawError("cancelled", "The run was cancelled.")
        means = {"loss": loss_sum / len(order), "accuracy": correct / len(order)}
        record = {
            "phase": phase["name"],
            "epoch": epoch,
            "learningRate": optimizer_spec["learningRate"],
            "train": means,
            "validation": None,
            "trainMs": train_ms,
            "evaluateMs": 0,
            "imagesPerSecond": round(len(order) / train_ms * 1000, 2),
        }
        records.append(record)
        channel.event({"type": "epoch", **record})
    channel.event({"type": "end", "outcome": _outcome(phase, records, step_ms)})
