"""The networks of a spec as Keras builds them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from .failure import ThawError, unsupported

_WITH_ALPHA = ("MobileNetV2", "MobileNet", "MobileNetV3Small")
_WITHOUT_ALPHA = ("ResNet50", "EfficientNetB0")
_STANDARD_DEVIATIONS = (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue values of 0 … 1."""


@dataclass(frozen=True)
class Dropout:
    """A dropout layer that is a product with a given mask: stock Keras draws its own, and every backend another one."""

    name: str
    rate: float
    shape: tuple[int, ...]
    """Of the mask for one image: (1, 1, 1) where an image is kept or dropped as a whole."""


def build_base(plan: Mapping[str, Any]) -> Any:
    """The plan's network without head, with fresh weights. Throws ThawError `spec-unsupported`."""
    spec = plan["spec"]["model"]
    if spec["pooling"] != "avg":
        raise unsupported("model.pooling", spec["pooling"], "avg")
    name, size = spec["architecture"], spec["imageSize"]
    if name == "keras":
        return _from_config(plan["config"]["json"], size)
    if name not in _WITH_ALPHA + _WITHOUT_ALPHA:
        raise unsupported("model.architecture", name, ", ".join((*_WITH_ALPHA, *_WITHOUT_ALPHA, "keras")))
    alpha = {"alpha": spec["alpha"]} if name in _WITH_ALPHA else {}
    base = getattr(keras.applications, name)(
        input_shape=(size, size, 3), include_top=False, weights=None, pooling="avg", **alpha
    )
    return _with_imagenet_scaling(base) if name == "EfficientNetB0" else base


def _built(config: Mapping[str, Any]) -> Any:
    return keras.models.model_from_json(json.dumps(config))


def _from_config(config: Mapping[str, Any], size: int) -> Any:
    """A functional model from its configuration, computing in the types of this process."""
    try:
        return _built(_without_dtypes(config, size))
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"Keras {keras.__version__} cannot build the network of model.config: {reason}"
        raise ThawError("model-unsupported", message, "Save the model again with this Keras.") from error


def _without_dtypes(value: Any, size: int) -> Any:
    """Leaves out what pins a layer to float32, and sets open image sizes."""
    if isinstance(value, Mapping):
        kept = {key: _without_dtypes(entry, size) for key, entry in value.items() if key not in ("dtype", "build_config")}
        for key in ("batch_shape", "batch_input_shape"):
            if kept.get(key) is not None:
                kept[key] = [None, size, size, kept[key][-1]]
        if kept.get("class_name") == "__keras_tensor__":
            kept["config"]["dtype"] = keras.config.floatx()
        return kept
    return [_without_dtypes(entry, size) for entry in value] if isinstance(value, list) else value


def _reference(layer: str, shape: Sequence[int | None]) -> dict[str, Any]:
    """A layer's output in the arguments of another, as Keras writes it."""
    config = {"shape": list(shape), "dtype": keras.config.floatx(), "keras_history": [layer, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def _entry(class_name: str, config: Mapping[str, Any], *arguments: Any) -> dict[str, Any]:
    """A layer in a functional model's configuration."""
    nodes = [{"args": list(arguments), "kwargs": {}}] if arguments else []
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": dict(config),
        "registered_name": None,
        "name": config["name"],
        "inbound_nodes": nodes,
    }


def _with_imagenet_scaling(base: Any) -> Any:
    """EfficientNet as `weights="imagenet"` has it: a Rescaling more behind the Normalization."""
    config = json.loads(base.to_json())
    shape = base.get_layer("normalization").output.shape
    scale = [1 / math.sqrt(deviation) for deviation in _STANDARD_DEVIATIONS]
    layers = []
    for layer in config["config"]["layers"]:
        layers.append(_renamed(layer, "normalization", "rescaling_1"))
        if layer["name"] == "normalization":
            fields = {"name": "rescaling_1", "scale": scale, "offset": 0.0}
            layers.append(_entry("Rescaling", fields, _reference("normalization", shape)))
    config["config"]["layers"] = layers
    return _built(config)


def _renamed(value: Any, before: str, now: str) -> Any:
    """Redirects whatever reads one layer to another."""
    if isinstance(value, Mapping):
        changed = {key: _renamed(entry, before, now) for key, entry in value.items()}
        if "keras_history" in changed and changed["keras_history"][0] == before:
            changed["keras_history"] = [now, *changed["keras_history"][1:]]
        return changed
    return [_renamed(entry, before, now) for entry in value] if isinstance(value, list) else value


def with_masks(base: Any) -> tuple[Any, list[Dropout]]:
    """Replaces each dropout layer by a product with a mask that comes in as a further input, in the layers' order."""
    found = [layer for layer in base.layers if isinstance(layer, keras.layers.Dropout)]
    if not found:
        return base, []
    shapes = {layer.name: (1, 1, 1) if layer.noise_shape else tuple(layer.output.shape[1:]) for layer in found}
    config = json.loads(base.to_json())
    layers = []
    for layer in config["config"]["layers"]:
        name = layer["name"]
        if name not in shapes:
            layers.append(layer)
            continue
        mask, shape = f"{name}_mask", (None, *shapes[name])
        layers.append(_entry("InputLayer", {"name": mask, "batch_shape": list(shape)}))
        (node,) = layer["inbound_nodes"]
        layers.append(_entry("Multiply", {"name": name}, [node["args"][0], _reference(mask, shape)]))
    inputs = config["config"]["input_layers"]
    image = inputs if isinstance(inputs[0], str) else inputs[0]
    config["config"]["layers"] = layers
    config["config"]["input_layers"] = [image, *([f"{name}_mask", 0, 0] for name in shapes)]
    rebuilt = _built(config)
    return rebuilt, [Dropout(layer.name, layer.rate, shapes[layer.name]) for layer in found]
