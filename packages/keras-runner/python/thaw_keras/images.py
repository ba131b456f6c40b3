"""The training images: uint8 in memory, changed at random and scaled batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .failure import ThawError
from .files import read_blob
from .random_stream import RandomStream


class ImageStore:
    """All images of a set, uint8 [count, height, width, 3].

    @param dtype what the network computes in: pixels are scaled in it
    """

    def __init__(self, dataset: Mapping[str, Any], store: str, dtype: str) -> None:
        shape = tuple(dataset["imageShape"])
        shards = []
        for shard in dataset["shards"]:
            data = read_blob(store, shard)
            if len(data) != shard["count"] * int(np.prod(shape)):
                raise ThawError("blob-corrupt", f"A shard of {shard['count']} images has {len(data)} bytes.")
            shards.append(np.frombuffer(data, dtype=np.uint8).reshape((shard["count"], *shape)))
        self._images = np.concatenate(shards)
        # x / 127.5 - 1, rounded after each operation, as keras.applications.mobilenet_v2.preprocess_input has it.
        scalar = np.dtype(dtype).type
        self._scaled = np.arange(256).astype(dtype) / scalar(127.5) - scalar(1)

    def batch(
        self,
        indices: Sequence[int],
        augmentation: Mapping[str, Any] | None = None,
        random: RandomStream | None = None,
    ) -> np.ndarray:
        """Assembles a batch, [batch, height, width, 3] in -1 … 1.

        @param random where given, each image is changed at random, drawing in core's order: flip, x, y
        """
        pixels = self._images[list(indices)]
        if augmentation is not None and random is not None:
            pixels = np.stack([_augmented(image, augmentation, random) for image in pixels])
        return self._scaled[pixels]


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Network input back to the pixels that it was made from, uint8."""
    return np.floor((images + 1) * 127.5 + 0.5).astype(np.uint8)


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
