"""The one error that crosses the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ThawError(Exception):
    """A stable code, one plain sentence, and what to do next."""

    def __init__(
        self, code: str, message: str, hint: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details

    def serialized(self) -> dict[str, Any]:
        """As plain data, the shape of core's SerializedError."""
        data: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.hint is not None:
            data["hint"] = self.hint
        if self.details is not None:
            data["details"] = dict(self.details)
        return data


def unsupported(field: str, value: object, expected: str) -> ThawError:
    """The error for a field of the spec that Keras cannot be asked for faithfully."""
    return ThawError(
        "spec-unsupported",
        f'Runner "keras" cannot do {field} = {value!r}; it knows {expected}.',
        "Use another runner for this spec.",
    )
