"""The program of the runner's process: reads one request, answers it, ends."""

from __future__ import annotations

import signal
from typing import Any

from .channel import Channel
from .engine import open_engine
from .failure import ThawError
from .serve import serve


def _answer(request: dict[str, Any], channel: Channel) -> None:
    if request["type"] == "probe":
        channel.send({"type": "available", "availability": _availability(request["settings"])})
        return
    if request["type"] != "run":
        raise ThawError("protocol-invalid", f'Runner "keras" knows no request of type {request["type"]!r}.')
    options = request["options"]
    engine = open_engine(options["settings"])
    from .train import train  # imports Keras, which must know its settings by then

    train(request["plan"], options, channel, engine)


def _availability(settings: dict[str, Any]) -> dict[str, Any]:
    """Core's Availability: a failure is the answer that Keras cannot run here."""
    try:
        return {"ok": True, "environment": open_engine(settings).environment}
    except ThawError as error:
        return {"ok": False, "code": error.code, "reason": error.message, "hint": error.hint or ""}
    except Exception as error:  # an import that fails somewhere inside a library
        reason = f"Keras cannot be opened: {type(error).__name__}: {error}"
        return {"ok": False, "code": "keras-missing", "reason": reason, "hint": "npm run setup -- --keras"}


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner decides: it sends "cancel" and waits
    serve(_answer)


if __name__ == "__main__":
    main()
