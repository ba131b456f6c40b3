"""A runner's program: reads one request, answers it, ends."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

from .channel import Channel
from .failure import ThawError


def serve(answer: Callable[[dict[str, Any], Channel], None]) -> None:
    """Answers the one request; whatever goes wrong is an answer, too."""
    channel = Channel.open()
    request = channel.request()
    try:
        answer(request, channel)
        channel.send({"type": "done"})
    except ThawError as error:
        channel.send({"type": "error", "error": error.serialized()})
    except Exception as error:
        details = {"stack": traceback.format_exc()}
        message = f"{type(error).__name__}: {error}"
        channel.send({"type": "error", "error": {"code": "internal", "message": message, "details": details}})
    os._exit(0)  # everything is said and written; libraries take seconds to tidy up
