"""Blobs of the content-addressed store, and files that are whole or not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from .failure import ThawError


def sha256(data: bytes) -> str:
    """SHA-256, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def read_blob(store: str, ref: Mapping[str, Any]) -> bytes:
    """Reads a blob and checks its hash: rung L0 of the parity ladder. Throws ThawError `blob-missing`, `blob-corrupt`.

    @param ref core's BlobRef
    """
    name = ref["sha256"]
    path = os.path.join(store, "blobs", name[:2], name)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        message = f"The store has no readable blob {name} at {path}."
        raise ThawError("blob-missing", message, "Run it again: what is missing is made anew.") from error
    found = sha256(data)
    if found != name:
        raise ThawError(
            "blob-corrupt",
            f"A data blob has SHA-256 {found}, expected {name}.",
            "Remove it from the cache folder; it is made anew on the next run.",
        )
    return data


def write_atomically(path: str, data: bytes) -> str:
    """Writes a file whole or not at all; returns its path. Throws ThawError `write-failed`."""
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise ThawError("write-failed", f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
    return path
