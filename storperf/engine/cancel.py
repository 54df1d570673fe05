"""Somebody may ask for the end at any time; everything that waits, waits here."""

from __future__ import annotations

import contextlib
import queue

from storperf.errors import Cancelled


class Cancel:
    """Set once, by a signal handler or by another process through the store."""

    def __init__(self) -> None:
        # Not a threading.Event: a signal handler that sets it while the thread under it is
        # waiting can find its lock held, for ever.  put() is made for signal handlers.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._why = ""

    def request(self, why: str) -> None:
        """Ask for the end; the first reason stays."""
        self._why = self._why or why
        self._wake.put(None)

    @property
    def is_requested(self) -> bool:
        """Whether somebody asked."""
        return bool(self._why)

    def check(self) -> None:
        """Raise Cancelled if somebody asked."""
        if self.is_requested:
            raise Cancelled(f"cancelled: {self._why}")

    def wait(self, seconds: float) -> bool:
        """Wait that long, or until somebody asks; True when somebody did."""
        if not self.is_requested:
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=seconds)
        return self.is_requested
