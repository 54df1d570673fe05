"""What is sampled on this host while a trial goes on: its sensors, and probes of the user's."""

from __future__ import annotations

import math
import os
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from storperf.agent.host_watch import HostWatch, wishes_of
from storperf.agent.probes import ProbeOnHost
from storperf.agent.steady_clock import SteadyClock
from storperf.agent.trials import number

Record = Dict[str, Any]
Key = Tuple[str, int]

FOLDER = "probes"


class Watch:
    """Samples a host for one attempt of a trial; `poll` yields records for the journal.

    Nothing is sampled before `begin`.  `sensors` is what is asked of them (host_watch.py); None
    where nobody needs them, as while a target is filled.
    """

    def __init__(
        self,
        key: Key,
        probes: Sequence[Record],
        run_dir: str,
        clock: SteadyClock,
        sensors: Optional[Mapping[str, Any]] = None,
    ) -> None:
        self.key = key
        folder = os.path.join(run_dir, FOLDER)
        self._probes = [ProbeOnHost(probe, folder, clock) for probe in probes]
        self._clock = clock
        self._asked = None if sensors is None else wishes_of(dict(sensors))
        self._sensors: Optional[HostWatch] = None

    @property
    def due_s(self) -> float:
        """The monotonic time at which to look again; inf when there is nothing to do."""
        due = [probe.due_s for probe in self._probes]
        if self._sensors is not None:
            due.append(self._sensors.due_s)
        return min(due, default=math.inf)

    def begin(
        self, devices: Optional[Mapping[int, str]] = None, fio_pids: Collection[int] = ()
    ) -> Record:
        """Begin to sample; the record of it.

        `devices` are the kernel's names of those under the targets, `fio_pids` the fios of a trial.
        """
        for probe in self._probes:
            probe.begin()
        if self._asked is not None:
            self._sensors = HostWatch(self._asked, devices or {}, fio_pids, self._clock)
        return self._named({"kind": "watch_started", "start_s": self._clock.epoch_s()})

    def poll(self) -> List[Record]:
        """What was found since the last call."""
        sample = None if self._sensors is None else self._sensors.poll()
        found = [] if sample is None else [sample]
        for probe in self._probes:
            found += probe.poll()
        return [self._named(record) for record in found]

    def end(self) -> List[Record]:
        """End what runs; how each probe went."""
        sample = None if self._sensors is None else self._sensors.end()
        found = [] if sample is None else [sample]
        return [self._named(record) for record in (*found, *(p.stop() for p in self._probes))]

    def told(self) -> Record:
        """What the record of a trial's end says of its sensors; nothing without any."""
        return {} if self._sensors is None else {"sensors": self._sensors.told()}

    def ended(self, why: str) -> Record:
        """The record of the end."""
        return self._named({"kind": "watch_ended", "why": why, "end_s": self._clock.epoch_s()})

    def _named(self, record: Record) -> Record:
        trial, attempt = self.key
        return {**record, "trial": trial, "attempt": attempt}


def watch_of_host(command: Record, run_dir: str, clock: SteadyClock) -> Watch:
    """The watch that a command asks for on a host that runs no fio; ValueError when malformed."""
    key = (str(command["trial"]), int(command["attempt"]))
    asked = {
        "interval_s": number(command, "sensors_every_s"),
        "processes": command.get("processes") or (),
    }
    return Watch(key, command["probes"], run_dir, clock, asked)
