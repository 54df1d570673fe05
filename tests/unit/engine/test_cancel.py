"""Asking for the end, from a signal handler too."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from storperf.engine.cancel import Cancel
from storperf.errors import Cancelled

# A signal comes at any point of the wait: a thousand times, at ever other points.
STORM = """
import signal
from storperf.engine.cancel import Cancel
for _ in range(1000):
    cancel = Cancel()
    signal.signal(signal.SIGALRM, lambda *_: cancel.request("asked"))
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
    while not cancel.wait(0.00001):
        pass
print("ended")
"""


def test_nobody_asked():
    cancel = Cancel()
    cancel.check()
    assert not cancel.is_requested
    begin_s = time.monotonic()
    assert not cancel.wait(0.05)
    assert time.monotonic() - begin_s >= 0.05


def test_what_was_asked_stays_asked_with_the_first_reason():
    cancel = Cancel()
    cancel.request("SIGINT")
    cancel.request("SIGTERM")
    begin_s = time.monotonic()
    assert cancel.wait(60)
    assert cancel.wait(60)
    assert time.monotonic() - begin_s < 5
    assert cancel.is_requested
    with pytest.raises(Cancelled, match="SIGINT"):
        cancel.check()


def test_a_signal_handler_may_ask_at_any_point_of_a_wait():
    argv = [sys.executable, "-c", STORM]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert ended.stdout == "ended\n", ended.stderr
