"""Reads one exported file: a request on stdin, the answer on stdout, both JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

import numpy as np


def _images(request: dict[str, Any]) -> np.ndarray | None:
    """The photos as the file wants them: as they are given, or pixels, or scaled as `preprocess_input` of MobileNetV2 does it."""
    if "images" in request:
        return np.fromfile(request["images"], dtype=np.float32).reshape(request["shape"])
    if "pixels" not in request:
        return None
    pixels = np.fromfile(request["pixels"], dtype=np.uint8).reshape(request["shape"]).astype(np.float32)
    return pixels if request["takesPixels"] else pixels / np.float32(127.5) - np.float32(1)


def main() -> None:
    request = json.load(sys.stdin)
    outgoing = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints
    reader = importlib.import_module(f".{request['reader']}", __package__)
    json.dump(reader.read(request["file"], _images(request)), outgoing)
    outgoing.flush()
    os._exit(0)  # libraries take seconds to tidy up


if __name__ == "__main__":
    main()
