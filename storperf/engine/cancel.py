"""Somebody may ask for the end at any time; everything that waits, waits here."""

from __future__ import annotations

import threading

from storperf.errors import Cancelled


class Cancel:
    """Set once, by a signal handler or by another process through the store."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._why = ""

    def request(self, why: str) -> None:
        """Ask for the end; the first reason stays."""
        self._why = self._why or why
        self._event.set()

    @property
    def is_requested(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled if somebody asked."""
        if self._event.is_set():
            raise Cancelled(f"cancelled: {self._why}")

    def wait(self, seconds: float) -> bool:
        """Wait that long, or until somebody asks; True when somebody did."""
        return self._event.wait(seconds)
