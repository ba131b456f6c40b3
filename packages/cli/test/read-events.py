"""Prints all scalars below a folder as JSON: run -> tag -> [[step, value], ...], read by TensorBoard's own code."""

import json
import os
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def scalars(folder):
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0})
    accumulator.Reload()
    tags = accumulator.Tags()["scalars"]
    return {tag: [[event.step, event.value] for event in accumulator.Scalars(tag)] for tag in tags}


root = sys.argv[1]
folders = [folder for folder, _, files in os.walk(root) if any("tfevents" in name for name in files)]
print(json.dumps({os.path.relpath(folder, root): scalars(folder) for folder in folders}))
