"""MobileNetV2 in PyTorch, with Keras's layer names, padding and constants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

# Output channels (before alpha), stride and expansion of the blocks, as in the paper's table 2.
_BLOCKS = [
    (16, 1, 1), (24, 2, 6), (24, 1, 6), (32, 2, 6), (32, 1, 6), (32, 1, 6), (64, 2, 6), (64, 1, 6), (64, 1, 6),
    (64, 1, 6), (96, 1, 6), (96, 1, 6), (96, 1, 6), (160, 2, 6), (160, 1, 6), (160, 1, 6), (320, 1, 6),
]  # fmt: skip


def _divisible(channels: float) -> int:
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class Network(nn.Module):
    """MobileNetV2 without top, pooling, and a head that gives logits.

    @param spec core's `model`
    """

    def __init__(self, spec: Mapping[str, Any], classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()
        alpha, size, head = spec["alpha"], spec["imageSize"], spec["head"]
        channels = _divisible(32 * alpha)
        modules: list[nn.Module] = [*self._convolution("Conv1", "bn_Conv1", 3, channels, 3, size, stride=2)]
        size = math.ceil(size / 2)
        for index, (filters, stride, expansion) in enumerate(_BLOCKS):
            prefix = "expanded_conv_" if index == 0 else f"block_{index}_"
            wide, out = channels * expansion, _divisible(int(filters * alpha))
            block: list[nn.Module] = []
            if index > 0:
                block += self._convolution(f"{prefix}expand", f"{prefix}expand_BN", channels, wide, 1, size)
            block += self._convolution(
                f"{prefix}depthwise", f"{prefix}depthwise_BN", wide, wide, 3, size, stride, groups=wide
            )
            block += self._convolution(f"{prefix}project", f"{prefix}project_BN", wide, out, 1, size, relu=False)
            body = nn.Sequential(*block)
            modules.append(_Residual(body) if stride == 1 and channels == out else body)
            channels, size = out, math.ceil(size / stride)
        last = _divisible(1280 * alpha) if alpha > 1 else 1280
        modules += self._convolution("Conv_1", "Conv_1_bn", channels, last, 1, size)
        self.body = nn.Sequential(*modules)
        self.head_name = head["name"]
        self.layers[self.head_name] = nn.Linear(last, classes)

    def _convolution(
        self,
        name: str,
        norm: str,
        inputs: int,
        outputs: int,
        kernel: int,
        size: int,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ) -> Iterator[nn.Module]:
        if stride == 2:  # as Keras pads: after the image where its side is even
            yield nn.ZeroPad2d((0, 1, 0, 1) if size % 2 == 0 else (1, 1, 1, 1))
        padding = kernel // 2 if stride == 1 else 0
        self.layers[name] = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.layers[norm] = nn.BatchNorm2d(outputs, eps=1e-3, momentum=1e-3)
        yield self.layers[name]
        yield self.layers[norm]
        if relu:
            yield nn.ReLU6(inplace=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """@param images [batch, 3, height, width]; returns logits [batch, classes]"""
        return self.layers[self.head_name](self.body(images).mean((2, 3)))

    def assign(self, weights: Mapping[str, np.ndarray]) -> None:
        """Takes over weights by Keras's names and in Keras's shapes."""
        with torch.no_grad():
            for name, values in weights.items():
                layer_name, weight = name.rsplit("/", 1)
                layer = self.layers[layer_name]
                target = getattr(layer, _NAMES[weight])
                target.copy_(torch.from_numpy(_turned(layer, weight, values)))

    def freeze(self, treatments: list[Mapping[str, Any]]) -> None:
        """Makes each layer train, and normalise, as the plan says."""
        self.train()
        for treatment in treatments:
            if treatment["name"] not in self.layers:
                continue
            layer = self.layers[treatment["name"]]
            layer.requires_grad_(treatment["trainable"])
            if isinstance(layer, nn.BatchNorm2d):
                layer.train(treatment["batchNormMode"] == "batch-stats")


class _Residual(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _turned(layer: nn.Module, weight: str, values: np.ndarray) -> np.ndarray:
    """Keras's axes to PyTorch's: [height, width, in, out] to [out, in, height, width]."""
    if weight != "kernel":
        return values.copy()
    if isinstance(layer, nn.Linear):
        return np.ascontiguousarray(values.T)
    depthwise = layer.groups > 1
    return np.ascontiguousarray(values.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)))
