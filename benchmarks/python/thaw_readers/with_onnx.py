"""ONNX Runtime, after ONNX's own checker."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime


def read(file: str, images: np.ndarray) -> dict[str, Any]:
    """Checks a graph with its shapes, and runs it on all images at once and one by one."""
    onnx.checker.check_model(file, full_check=True)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (given,), (found,) = session.get_inputs(), session.get_outputs()
    (together,) = session.run(None, {given.name: images})
    alone = np.concatenate([session.run(None, {given.name: images[i : i + 1]})[0] for i in range(len(images))])
    return {
        "version": f"ONNX Runtime {onnxruntime.__version__} (Python)",
        "probabilities": together.tolist(),
        "alone": alone.tolist(),
        "input": [given.name, given.shape],
        "output": [found.name, found.shape],
    }
