"""A clock that says the time of day and never jumps."""

from __future__ import annotations

from typing import Callable


class SteadyClock:
    """Epoch seconds that never jump: the epoch at the start plus monotonic time since."""

    def __init__(self, now: Callable[[], float], epoch: Callable[[], float]) -> None:
        self._now = now
        self._epoch = epoch
        self._start_s = epoch() - now()

    def epoch_s(self) -> float:
        """Now, as steady epoch seconds."""
        return self._start_s + self._now()

    def monotonic_s(self) -> float:
        """Now, for deadlines."""
        return self._now()

    def steady_s(self, wall_ms: int) -> float:
        """A recent wall-clock time stamp of another process on this steady clock.

        When the wall clock was stepped in between, that cannot be told, and it is now.
        """
        now = self.epoch_s()
        stamped = wall_ms / 1000 - (self._epoch() - now)
        return stamped if abs(stamped - now) < 1.0 else now
