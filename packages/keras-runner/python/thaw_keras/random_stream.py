"""The project's random numbers: integers, so that every language draws the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

MASK = 0xFFFFFFFF
TWO_32 = 1 << 32


def _fnv1a(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode("utf-8"):
        value = ((value ^ byte) * 0x01000193) & MASK
    return value


def _mix(word: int) -> int:
    word ^= word >> 16
    word = (word * 0x21F0AAAD) & MASK
    word ^= word >> 15
    word = (word * 0x735A2D97) & MASK
    return word ^ (word >> 15)


def _splitmix32(seed: int, index: int) -> int:
    return _mix((seed + (index + 1) * 0x9E3779B9) & MASK)


class RandomStream:
    """The stream that belongs to a seed and a label: xoshiro128** 1.1, seeded as core's `randomStream`.

    @see packages/core/src/data/random.ts
    """

    def __init__(self, seed: int, label: str) -> None:
        if not 0 <= seed < TWO_32:
            raise ValueError(f"A seed is an integer from 0 to 4294967295, found {seed}.")
        label_seed = _fnv1a(label)
        words = [_mix((_splitmix32(seed, i) + _splitmix32(label_seed, i)) & MASK) for i in range(4)]
        if not any(words):
            words[0] = 1  # the one state that xoshiro never leaves
        self._state = (words[0], words[1], words[2], words[3])

    @property
    def state(self) -> tuple[int, int, int, int]:
        """Where the stream stands: four words of 32 bits."""
        return self._state

    @classmethod
    def resume(cls, state: Sequence[int]) -> RandomStream:
        """Goes on with a stream from where it stood."""
        stream = cls(0, "")
        stream._state = (state[0], state[1], state[2], state[3])
        return stream

    def draw(self, count: int) -> np.ndarray:
        """The next numbers in 0 .. 2^32 - 1, uint32 [count]."""
        s0, s1, s2, s3 = self._state
        numbers = np.empty(count, dtype=np.uint32)
        for index in range(count):
            product = (s1 * 5) & MASK
            numbers[index] = (((product << 7) | (product >> 25)) * 9) & MASK
            shifted = (s1 << 9) & MASK
            s2 ^= s0
            s3 ^= s1
            s1 ^= s2
            s0 ^= s3
            s2 ^= shifted
            s3 = ((s3 << 11) | (s3 >> 21)) & MASK
        self._state = (s0, s1, s2, s3)
        return numbers

    def next_uint32(self) -> int:
        """An integer in 0 .. 2^32 - 1."""
        return int(self.draw(1)[0])

    def uniforms(self, count: int) -> np.ndarray:
        """Numbers in [0, 1) with 24 random bits each, float64 [count]."""
        return (self.draw(count) >> np.uint32(8)) / float(1 << 24)

    def below(self, n: int) -> int:
        """An unbiased integer in 0 .. n - 1, n at most 2^32."""
        accepted = TWO_32 - TWO_32 % n  # values above it would favour the small remainders
        value = self.next_uint32()
        while value >= accepted:
            value = self.next_uint32()
        return value % n

    def shuffle(self, items: list[T]) -> list[T]:
        """Fisher-Yates, in place; returns the same list."""
        for last in range(len(items) - 1, 0, -1):
            chosen = self.below(last + 1)
            items[last], items[chosen] = items[chosen], items[last]
        return items
