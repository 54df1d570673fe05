"""A host's figures during a trial: sampled on a grid of their own, from its start to its end."""

from __future__ import annotations

import time
from typing import Any, Collection, Dict, List, Mapping, Optional

from storperf.agent.schedule import Schedule
from storperf.agent.sensors import HostSensors
from storperf.agent.steady_clock import SteadyClock
from storperf.agent.trials import optional_number

Record = Dict[str, Any]

DEFAULT_INTERVAL_S = 1.0
SHORTEST_INTERVAL_S = 0.1
# The rest of a trial after its last sample; a shorter one is too short for clock ticks.
_LEAST_REST = 0.2


class HostWatch:
    """Watches this host during one trial; `asked` are the wishes that `wishes_of` gave.

    `due_s` is the monotonic time of the next sample; `targets` maps a target's number to the
    kernel's name of the disk under it.
    """

    def __init__(
        self,
        asked: Mapping[str, Any],
        targets: Mapping[int, str],
        fio_pids: Collection[int],
        clock: SteadyClock,
    ) -> None:
        self._sensors = HostSensors(targets=targets, processes=asked["processes"])
        self._fio_pids = tuple(fio_pids)
        self._clock = clock
        self._every_s = asked["interval_s"]
        self._schedule = Schedule(self._every_s)
        self._begun_s = self._sampled_s = clock.monotonic_s()
        self.due_s = self._begun_s + self._every_s
        self._samples = self._missed = 0
        self._is_open = True
        self._cpu_s = -time.thread_time()
        self._sensors.sample(self._sampled_s, self._fio_pids)
        self._cpu_s += time.thread_time()

    def poll(self) -> Optional[Record]:
        """A sample when one is due; who comes late finds those that were missed gone."""
        now_s = self._clock.monotonic_s()
        if now_s < self.due_s:
            return None
        # A hair later, lest rounding makes the moment that has just come the next one.
        after_s = now_s - self._begun_s + 1e-6
        next_s = self._begun_s + (self._schedule.due_after(after_s) or 0.0)
        self._missed += round((next_s - self.due_s) / self._every_s) - 1
        self.due_s = next_s
        return self._sample()

    def end(self) -> Optional[Record]:
        """The sample of what is left since the last one; none when that is too short, or again."""
        rest_s = self._clock.monotonic_s() - self._sampled_s
        is_open, self._is_open = self._is_open, False
        record = self._sample() if is_open and rest_s >= _LEAST_REST * self._every_s else None
        self._sensors.close()
        return record

    def told(self) -> Record:
        """What goes into the record of the trial's end: what sampling cost, and who was busy."""
        duration_s = max(self._sampled_s - self._begun_s, 1e-3)
        top: List[Dict[str, Any]] = self._sensors.top()
        return {
            "samples": self._samples,
            "missed": self._missed,
            "cpu_share": round(self._cpu_s / duration_s, 6),
            "top": top,
        }

    def _sample(self) -> Optional[Record]:
        begun_s = time.thread_time()
        now_s, end_s = self._clock.monotonic_s(), self._clock.epoch_s()
        start_s = end_s - (now_s - self._sampled_s)
        self._sampled_s = now_s
        figures = self._sensors.sample(now_s, self._fio_pids)
        self._cpu_s += time.thread_time() - begun_s
        if figures is None:
            return None
        self._samples += 1
        times = {"start_s": round(start_s, 6), "end_s": round(end_s, 6)}
        return {"kind": "sensors", **times, "figures": figures}


def wishes_of(asked: Record) -> Record:
    """What a command wants of the sensors, with defaults; ValueError when it is malformed."""
    interval_s = optional_number(asked, "interval_s")
    return {
        "interval_s": max(SHORTEST_INTERVAL_S, interval_s or DEFAULT_INTERVAL_S),
        "processes": tuple(str(name) for name in asked.get("processes") or ()),
    }
