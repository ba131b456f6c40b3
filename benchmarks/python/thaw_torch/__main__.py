"""The baseline's program: reads one request, answers it, ends. It speaks as the keras runner does."""

from __future__ import annotations

import importlib.util
import platform
import sys
from typing import Any

from thaw_keras.channel import Channel
from thaw_keras.failure import ThawError
from thaw_keras.machine import all_threads, platform_of, processor
from thaw_keras.serve import serve

HINT = (
    "On Debian: apt-get install python3-torch and THAW_TORCH_PYTHON=/usr/bin/python3; elsewhere name a Python with "
    "PyTorch and NumPy by THAW_TORCH_PYTHON."
)


def _environment(settings: dict[str, Any]) -> dict[str, Any]:
    """Core's Environment. Throws ThawError `torch-missing`."""
    for package in ("torch", "numpy"):
        if importlib.util.find_spec(package) is None:
            where = f"Python {platform.python_version()} at {sys.executable}"
            raise ThawError("torch-missing", f'{where} has no package "{package}".', HINT)
    import torch

    threads = settings["threads"] or all_threads()
    torch.set_num_threads(threads)
    version = str(torch.__version__)
    return {
        "runner": "pytorch",
        "engine": f"PyTorch {version}, channels last",
        "device": {"kind": "cpu", "name": processor(), "software": False},
        "settings": {"threads": threads},
        "versions": {"python": platform.python_version(), "torch": version},
        "platform": platform_of(),
    }


def _answer(request: dict[str, Any], channel: Channel) -> None:
    if request["type"] == "probe":
        try:
            available = {"ok": True, "environment": _environment(request["settings"])}
        except ThawError as error:
            available = {"ok": False, "code": error.code, "reason": error.message, "hint": error.hint or HINT}
        channel.send({"type": "available", "availability": available})
        return
    environment = _environment(request["options"]["settings"])
    from .train import train  # imports PyTorch

    train(request["plan"], request["options"]["storeDir"], channel, environment)


if __name__ == "__main__":
    serve(_answer)
