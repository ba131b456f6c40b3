"""safetensors files, byte for byte as core writes them: digests are taken of these bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np

from .failure import ThawError

DTYPES: dict[str, np.dtype] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
}
CODES = {dtype: code for code, dtype in DTYPES.items()}


def _fail(where: str, problem: str) -> ThawError:
    return ThawError("safetensors-invalid", f"{where}: {problem}.", "Write the file again if it was cut off.")


def parse(data: bytes, where: str) -> dict[str, np.ndarray]:
    """Reads a file. Throws ThawError `safetensors-invalid`.

    @param where what messages call the file
    """
    if len(data) < 8:
        raise _fail(where, f"expected at least 8 bytes, found {len(data)}")
    (header_bytes,) = struct.unpack_from("<Q", data)
    start = 8 + header_bytes
    if start > len(data):
        raise _fail(where, f"header length {header_bytes} does not fit into a file of {len(data)} bytes")
    try:
        header = json.loads(data[8:start].decode("utf-8"))
    except ValueError as error:
        raise _fail(where, f"the header is no JSON object ({error})") from error
    tensors: dict[str, np.ndarray] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype = DTYPES.get(entry.get("dtype"))
        if dtype is None:
            raise _fail(where, f'tensor "{name}" has dtype {entry.get("dtype")}, expected one of {", ".join(DTYPES)}')
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        if start + end > len(data) or end - begin != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise _fail(where, f'tensor "{name}" claims bytes {begin} to {end} for shape {list(shape)}')
        tensors[name] = np.frombuffer(data[start + begin : start + end], dtype=dtype).reshape(shape)
    return tensors


def metadata(data: bytes, where: str) -> dict[str, str]:
    """The plain strings of a file that `parse` has read. Throws ThawError `safetensors-invalid`."""
    (header_bytes,) = struct.unpack_from("<Q", data)
    found = json.loads(data[8 : 8 + header_bytes].decode("utf-8")).get("__metadata__", {})
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise _fail(where, "__metadata__ is no object of strings")
    return found


def write(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> bytes:
    """Writes a file, tensors in the given order.

    @param metadata plain strings kept beside them
    """
    header: dict[str, object] = {} if metadata is None else {"__metadata__": dict(metadata)}
    parts: list[bytes] = []
    offset = 0
    for name, values in tensors.items():
        code = CODES[values.dtype.newbyteorder("<")]
        part = np.ascontiguousarray(values, dtype=DTYPES[code]).tobytes()
        header[name] = {"dtype": code, "shape": list(values.shape), "data_offsets": [offset, offset + len(part)]}
        parts.append(part)
        offset += len(part)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)  # so that data is aligned
    return b"".join([struct.pack("<Q", len(text)), text, *parts])
