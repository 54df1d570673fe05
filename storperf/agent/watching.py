"""What is sampled on this host while a trial goes on: its sensors, and probes of the user's."""

from __future__ import annotations

import math
import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

from storperf.agent.probes import ProbeOnHost
from storperf.agent.schedule import Schedule
from storperf.agent.sensors import HostSensors
from storperf.agent.steady_clock import SteadyClock
from storperf.agent.trials import number

Record = Dict[str, Any]
Key = Tuple[str, int]

FOLDER = "probes"


class Watch:
    """Samples a host for one attempt of a trial; `poll` yields records for the journal.

    Nothing is sampled before `begin`.  `sensors_every_s` is None on a host that runs fio: there
    the intervals are the grid.
    """

    def __init__(
        self,
        key: Key,
        probes: Sequence[Record],
        run_dir: str,
        clock: SteadyClock,
        sensors_every_s: Optional[float] = None,
    ) -> None:
        self.key = key
        folder = os.path.join(run_dir, FOLDER)
        self._probes = [ProbeOnHost(probe, folder, clock) for probe in probes]
        self._clock = clock
        self._every_s = sensors_every_s
        self._sensors: Optional[_Grid] = None

    @property
    def due_s(self) -> float:
        """The monotonic time at which to look again; inf when there is nothing to do."""
        due = [probe.due_s for probe in self._probes]
        if self._sensors is not None:
            due.append(self._sensors.due_s)
        return min(due, default=math.inf)

    def begin(self) -> Record:
        """Begin to sample; the record of it."""
        for probe in self._probes:
            probe.begin()
        if self._every_s is not None:
            self._sensors = _Grid(self._every_s, self._clock)
        return self._named({"kind": "watch_started", "start_s": self._clock.epoch_s()})

    def poll(self) -> List[Record]:
        """What was found since the last call."""
        found = [] if self._sensors is None else self._sensors.poll()
        for probe in self._probes:
            found += probe.poll()
        return [self._named(record) for record in found]

    def end(self) -> List[Record]:
        """End what runs; how each probe went."""
        if self._sensors is not None:
            self._sensors.close()
        return [self._named(probe.stop()) for probe in self._probes]

    def ended(self, why: str) -> Record:
        """The record of the end."""
        return self._named({"kind": "watch_ended", "why": why, "end_s": self._clock.epoch_s()})

    def _named(self, record: Record) -> Record:
        trial, attempt = self.key
        return {**record, "trial": trial, "attempt": attempt}


class _Grid:
    """The host's sensors on a grid of their own; what is late is sampled once."""

    def __init__(self, every_s: float, clock: SteadyClock) -> None:
        self._schedule = Schedule(every_s)
        self._clock = clock
        self._sensors = HostSensors()
        self._origin_s = self._sampled_s = clock.monotonic_s()
        self._sensors.sample(self._origin_s)
        self.due_s = self._origin_s + every_s

    def poll(self) -> List[Record]:
        now_s = self._clock.monotonic_s()
        if now_s < self.due_s:
            return []
        next_s = self._schedule.due_after(now_s - self._origin_s)
        self.due_s = math.inf if next_s is None else self._origin_s + next_s
        end_s = self._clock.epoch_s()
        start_s, self._sampled_s = end_s - (now_s - self._sampled_s), now_s
        figures = self._sensors.sample(now_s)
        times = {"start_s": round(start_s, 6), "end_s": round(end_s, 6)}
        return [] if figures is None else [{"kind": "sensors", **times, "figures": figures}]

    def close(self) -> None:
        self._sensors.close()


def watch_of_host(command: Record, run_dir: str, clock: SteadyClock) -> Watch:
    """The watch that a command asks for on a host that runs no fio; ValueError when malformed."""
    key = (str(command["trial"]), int(command["attempt"]))
    return Watch(key, command["probes"], run_dir, clock, number(command, "sensors_every_s"))
