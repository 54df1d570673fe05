"""How far each agent's clock is from the manager's, so that trials begin at one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from storperf.engine.agents import Agent

_ROUND_TRIPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset:
    """An agent's epoch minus the manager's; the truth lies within the uncertainty."""

    offset_s: float
    uncertainty_s: float

    @property
    def applied_s(self) -> float:
        """What its times are corrected by: nothing when the offset may as well be none."""
        return 0.0 if abs(self.offset_s) <= self.uncertainty_s else self.offset_s


def measure_offset(agent: Agent, epoch: Callable[[], float]) -> ClockOffset:
    """The best of several round trips: the shortest one knows best (Cristian's algorithm).

    The agent's clock was read at some time between question and answer; the middle is the
    guess, half the round trip its uncertainty.  Source: F. Cristian, Probabilistic clock
    synchronization, 1989.
    """
    found = []
    for _ in range(_ROUND_TRIPS):
        asked_s = epoch()
        there_s = float(agent.call("clock")["epoch_s"])
        answered_s = epoch()
        found.append(
            ClockOffset(
                offset_s=there_s - (asked_s + answered_s) / 2,
                uncertainty_s=(answered_s - asked_s) / 2,
            )
        )
    return min(found, key=lambda each: each.uncertainty_s)
