"""SIGINT and SIGTERM ask the run to end; they never tear it out of the middle of something."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from storperf.engine.cancel import Cancel


@contextmanager
def cancelled_by_signals() -> Iterator[Cancel]:
    """A Cancel that SIGINT, SIGTERM and SIGHUP request while inside."""
    cancel = Cancel()

    def request(number: int, _frame: FrameType | None) -> None:
        cancel.request(signal.Signals(number).name)

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, request) for number in wanted}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
