"""Opens Keras with the settings of a run; nothing of Keras is imported before."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .failure import ThawError
from .machine import all_threads, platform_of, processor


@dataclass(frozen=True)
class Engine:
    """Keras on one backend."""

    backend: Any
    """A module of `backends`."""
    dtype: str
    """float32 or float64: what everything is computed in."""
    compiled: bool
    loop: str
    """own, fit or train_on_batch."""
    environment: dict[str, Any]
    """Core's Environment."""


def _require(package: str, code: str, hint: str) -> None:
    if importlib.util.find_spec(package) is None:
        where = f"Python {platform.python_version()} at {sys.executable}"
        raise ThawError(code, f'{where} has no package "{package}".', hint)


def open_engine(settings: Mapping[str, Any]) -> Engine:
    """Imports Keras on the backend that the settings name. Throws ThawError `keras-missing`, `keras-backend-missing`.

    @param settings complete: dtype, backend, threads (0: all), oneDnn, step, loop
    """
    name, dtype = settings["backend"], settings["dtype"]
    _require("keras", "keras-missing", "npm run setup -- --keras")
    _require(
        name,
        "keras-backend-missing",
        f"Install {name} there, or name a Python that has it with THAW_KERAS_PYTHON; the set-up brings TensorFlow.",
    )
    os.environ["KERAS_BACKEND"] = name
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1" if settings["oneDnn"] else "0"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # what PyTorch needs to be deterministic on CUDA

    import keras

    from .backends import load_backend

    # Whatever a keras.json in the user's home says.
    keras.config.set_floatx(dtype)
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    backend = load_backend(name)
    everything = all_threads()
    threads = settings["threads"] or everything
    found = backend.configure({**settings, "threads": threads, "allThreads": everything})
    keras.utils.set_random_seed(0)  # of weights that are overwritten at once
    in_force = {key: value for key, value in found.settings.items() if key in settings}
    if name != "tensorflow":
        del in_force["oneDnn"]
    import numpy

    environment = {
        "runner": "keras",
        "engine": f"Keras {keras.__version__} on {found.library}",
        "device": {
            "kind": "cpu" if found.gpu is None else "gpu",
            "name": processor() if found.gpu is None else found.gpu,
            "software": False,
        },
        "settings": {**in_force, "tf32": False},
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            **found.versions,
            "numpy": numpy.__version__,
        },
        "platform": platform_of(),
    }
    return Engine(backend, dtype, in_force["step"] == "compiled", settings["loop"], environment)
