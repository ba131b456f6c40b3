"""A run from start to end: the counterpart of core's `train()`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .channel import Channel
from .checkpoint import Checkpoints, restore
from .digests import as_float32, digest_weights, unmoved_names
from .engine import Engine
from .epoch import full_batch_size
from .evaluate import Evaluation, evaluate
from .failure import unsupported
from .files import sha256, write_atomically
from .images import ImageStore
from .initial_weights import starting_weights
from .machine import peak_rss_bytes
from .metrics import median, round_ms
from .network import Network
from .phase import Found, train_phase
from .run_state import RunState, now_ms
from .safetensors import write
from .tracer import Tracer


def _never_left_chance(plan: Mapping[str, Any], epochs: list[dict[str, Any]]) -> bool:
    """Whether the best training accuracy stayed within two standard errors of always naming the largest class."""
    train = plan["splits"]["train"]
    counts = [0] * len(plan["dataset"]["classes"])
    for index in train:
        counts[plan["dataset"]["labels"][index]] += 1
    chance = max(counts) / len(train)
    error = math.sqrt(chance * (1 - chance) / len(train))
    return max((epoch["train"]["accuracy"] for epoch in epochs), default=-math.inf) <= chance + 2 * error


def _start(plan: Mapping[str, Any], channel: Channel, engine: Engine) -> int:
    """Says what begins; returns the number of steps."""
    spec = plan["spec"]
    per_epoch = math.ceil(len(plan["splits"]["train"]) / spec["batchSize"])
    total = sum(phase["epochs"] for phase in plan["phases"]) * per_epoch
    trainable = plan["phases"][-1]["trainable"]
    channel.event({"type": "start", "environment": engine.environment, "trainable": trainable, "totalSteps": total})
    for warning in plan["warnings"]:
        channel.event({"type": "warning", "code": warning["code"], "message": warning["message"]})
    return total


def _earlier(state: RunState, request: Mapping[str, Any] | None) -> Found | None:
    """Opens the checkpoints that are asked for, and goes on from the one that is there."""
    if request is None or state.tracer is not None:  # a traced run is over before a checkpoint is worth it
        return None
    if state.engine.loop != "own":
        message = f"loop={state.engine.loop} is Keras's own loop and leaves no checkpoints: a run that is killed starts again."
        state.channel.event({"type": "warning", "code": "checkpoint-unsupported", "message": message})
        return None
    state.checkpoints = Checkpoints(request, state.plan, state.engine.environment, state.channel)
    found = state.checkpoints.read()
    if found is not None:
        restore(state, *found)
    return found


def train(plan: Mapping[str, Any], options: Mapping[str, Any], channel: Channel, engine: Engine) -> None:
    """Runs a plan. Throws ThawError.

    @param options core's RunOptions
    """
    if plan["version"] != 1:
        raise unsupported("version", plan["version"], "1")
    if plan["spec"]["loss"] != "sparse_categorical_crossentropy":
        raise unsupported("loss", plan["spec"]["loss"], "sparse_categorical_crossentropy")
    started = now_ms()
    total_steps = _start(plan, channel, engine)
    store = options["storeDir"]
    network = Network(plan)
    weights = starting_weights(plan, network, store)
    images = ImageStore(plan["dataset"], store, engine.dtype, plan["preprocessing"])
    network.assign(weights)
    request = options.get("trace")
    tracer = None if request is None else Tracer(request, network, images, total_steps)
    infer = engine.backend.inference_function(network.model, engine.compiled)
    state = RunState(plan, channel, engine, network, images, tracer, infer, started_ms=started)

    unmoved = [set(unmoved_names(network, phase)) for phase in plan["phases"]]
    ever_frozen = state.ever_frozen = frozenset(set.intersection(*unmoved))
    initial = digest_weights(network)
    frozen_before = digest_weights(network, ever_frozen)
    if tracer is not None:
        for file in tracer.after(0):
            channel.event({"type": "trace", "file": file})
    found = _earlier(state, options.get("checkpoint"))
    stopped_early, kept = False, 0
    for phase in plan["phases"][0 if found is None else found[0]["phase"] :]:
        if not state.traced_out:
            stopped_early, kept = train_phase(state, phase, found)
            found = None

    last_phase = plan["phases"][-1]
    evaluate_start = now_ms()
    parts = {
        part: evaluate(state, last_phase, plan["splits"][part]) if tracer is None else None
        for part in ("validation", "test")
    }
    final_evaluate_ms = now_ms() - evaluate_start

    final_bytes = write(as_float32(network.weights()))
    final = sha256(final_bytes)
    export = options.get("exportWeights")
    if export is not None:
        write_atomically(export, final_bytes)
        channel.event({"type": "weights", "file": export, "bytes": len(final_bytes), "sha256": final})
    outcome = {
        "trainable": last_phase["trainable"],
        "epochs": state.epochs,
        **({"steps": state.steps} if state.spec["record"] == "steps" else {}),
        "final": {
            "train": state.epochs[kept - 1]["train"] if kept > 0 else None,
            **{part: None if found is None else found.metrics for part, found in parts.items()},
            "epoch": kept,
            "stoppedEarly": stopped_early,
        },
        "predictions": {part: [] if found is None else found.predictions for part, found in parts.items()},
        "certainty": {part: (found or Evaluation()).certainty() for part, found in parts.items()},
        "digests": {
            "initial": initial,
            "final": final,
            "frozen": {
                "tensors": len(ever_frozen),
                "before": frozen_before,
                "after": digest_weights(network, ever_frozen),
            },
        },
        **({} if tracer is None else {"trace": tracer.digests()}),
        "timing": _timing(state, now_ms() - state.started_ms, final_evaluate_ms),
        # Keras tells neither of tensors nor of their bytes.
        "memory": {"peakTensors": 0, "peakTensorBytes": 0, "peakRssBytes": peak_rss_bytes()},
        **({"resumed": state.resumed} if state.resumed else {}),
        "underTrained": _never_left_chance(plan, state.epochs),
    }
    channel.event({"type": "end", "outcome": outcome})


def _timing(state: RunState, total_ms: float, final_evaluate_ms: float) -> dict[str, Any]:
    step_median = median(state.steady_ms)
    return {
        "totalMs": round_ms(total_ms),
        "trainMs": round_ms(sum(epoch["trainMs"] for epoch in state.epochs)),
        "evaluateMs": round_ms(sum(epoch["evaluateMs"] for epoch in state.epochs) + final_evaluate_ms),
        "firstStepMs": state.step_ms[0] if state.step_ms else 0,
        "stepMs": state.step_ms,
        "imagesPerSecond": None if step_median is None else round_ms(full_batch_size(state.plan) / step_median * 1000),
    }
