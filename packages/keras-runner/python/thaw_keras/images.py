"""The training images: uint8 in memory, changed at random and scaled batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .failure import ThawError
from .files import read_blob
from .random_stream import RandomStream


_CAFFE_MEANS = (103.939, 116.779, 123.68)
"""Of ImageNet's images: blue, green, red."""


def _input_levels(preprocessing: str, dtype: str) -> tuple[list[int], np.ndarray]:
    """For each channel of the input the pixel's channel that it is made of, and its value at each of 256 levels [3, 256].

    @see packages/core/src/data/preprocessing.ts
    @see keras.applications.imagenet_utils.preprocess_input
    """
    scalar = np.dtype(dtype).type
    levels = np.arange(256).astype(dtype)
    if preprocessing == "caffe":
        return [2, 1, 0], np.stack([levels - scalar(mean) for mean in _CAFFE_MEANS])
    # Rounded after each operation, as Keras has it.
    values = levels / scalar(127.5) - scalar(1) if preprocessing == "tf" else levels
    return [0, 1, 2], np.stack([values] * 3)


class ImageStore:
    """All images of a set, uint8 [count, height, width, 3].

    @param dtype what the network computes in: pixels are preprocessed in it
    @param preprocessing the plan's
    """

    def __init__(self, dataset: Mapping[str, Any], store: str, dtype: str, preprocessing: str) -> None:
        shape = tuple(dataset["imageShape"])
        shards = []
        for shard in dataset["shards"]:
            data = read_blob(store, shard)
            if len(data) != shard["count"] * int(np.prod(shape)):
                raise ThawError("blob-corrupt", f"A shard of {shard['count']} images has {len(data)} bytes.")
            shards.append(np.frombuffer(data, dtype=np.uint8).reshape((shard["count"], *shape)))
        self._images = np.concatenate(shards)
        self._channels, self._values = _input_levels(preprocessing, dtype)

    def batch(
        self,
        indices: Sequence[int],
        augmentation: Mapping[str, Any] | None = None,
        random: RandomStream | None = None,
    ) -> np.ndarray:
        """Assembles a batch, [batch, height, width, 3], preprocessed.

        @param random where given, each image is changed at random, drawing in core's order: flip, x, y
        """
        pixels = self._images[list(indices)]
        if augmentation is not None and random is not None:
            pixels = np.stack([_augmented(image, augmentation, random) for image in pixels])
        channels = [values[pixels[..., source]] for source, values in zip(self._channels, self._values, strict=True)]
        return np.ascontiguousarray(np.stack(channels, axis=-1))

    def to_pixels(self, images: np.ndarray) -> np.ndarray:
        """Network input back to the pixels that it was made from, uint8."""
        pixels = np.empty(images.shape, dtype=np.uint8)
        for at, (source, values) in enumerate(zip(self._channels, self._values, strict=True)):
            share = (images[..., at] - values[0]) / (values[255] - values[0])
            pixels[..., source] = np.floor(share * 255 + 0.5).astype(np.uint8)
        return pixels


def _augmented(image: np.ndarray, augmentation: Mapping[str, Any], random: RandomStream) -> np.ndarray:
    most = augmentation["maxShift"]
    flip = augmentation["horizontalFlip"] and random.below(2) == 1
    shift_x = 0 if most == 0 else random.below(2 * most + 1) - most
    shift_y = 0 if most == 0 else random.below(2 * most + 1) - most
    height, width, _ = image.shape
    rows = np.clip(np.arange(height) + shift_y, 0, height - 1)
    columns = np.arange(width)[::-1] if flip else np.arange(width)
    columns = np.clip(columns + shift_x, 0, width - 1)
    return image[rows][:, columns]
