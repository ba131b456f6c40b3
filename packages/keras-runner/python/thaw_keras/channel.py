"""Messages as JSON lines: requests on stdin, answers on what was stdout."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any, TextIO

ALIVE_SECONDS = 1.0
"""How often a run that has nothing to say shows that it is alive."""


class Channel:
    """The two ends of the conversation with the parent process."""

    def __init__(self, incoming: TextIO, outgoing: TextIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._cancelled = threading.Event()
        self._sent = time.monotonic()

    @classmethod
    def open(cls) -> Channel:
        """Takes stdout for messages; whatever a library prints goes to stderr from now on."""
        outgoing = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
        os.dup2(2, 1)
        return cls(sys.stdin, outgoing)

    def request(self) -> dict[str, Any]:
        """Waits for the one request; afterwards a thread listens for `cancel`."""
        line = self._incoming.readline()
        if line == "":
            os._exit(0)
        threading.Thread(target=self._listen, daemon=True).start()
        return json.loads(line)

    def _listen(self) -> None:
        for line in self._incoming:
            if line.strip() and json.loads(line).get("type") == "cancel":
                self._cancelled.set()
        os._exit(1)  # the parent is gone: nobody reads what a run would still say

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def send(self, message: dict[str, Any]) -> None:
        """Sends one message. JSON has no NaN: a number that is not finite is a fault here."""
        self._outgoing.write(json.dumps(message, allow_nan=False, separators=(",", ":")) + "\n")
        self._outgoing.flush()
        self._sent = time.monotonic()

    def event(self, event: dict[str, Any]) -> None:
        """Sends one of core's RunEvents."""
        self.send({"type": "event", "event": event})

    def alive(self) -> None:
        """Shows that something moved, at most once a second."""
        if time.monotonic() - self._sent >= ALIVE_SECONDS:
            self.send({"type": "alive"})
