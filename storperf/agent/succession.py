"""What a supervisor makes of the journal of one before it that was killed."""

from __future__ import annotations

import glob
import os
import select
from typing import Any, Collection, Dict, Iterator, List, Optional, Set

from storperf.agent import facts
from storperf.agent.fio_process import kill_left
from storperf.agent.journal import Journal
from storperf.agent.steady_clock import SteadyClock
from storperf.agent.trials import Key, trial_folder

Record = Dict[str, Any]

_LAST_WORDS_S = 2.0


class Succession:
    """Ends what the one before left open.  `ended` are the attempts whose end is journalled."""

    def __init__(self, run_dir: str, clock: SteadyClock, journal: Journal) -> None:
        self.boot_id = facts.read_text("/proc/sys/kernel/random/boot_id")
        self.ended: Set[Key] = set()
        self._run_dir = run_dir
        self._clock = clock
        self._journal = journal
        self._is_heir = journal.last > 0
        self._open: Dict[Key, Record] = {}
        boot_id = self.boot_id
        for record in journal.recovered:
            key = (record.get("trial", ""), record.get("attempt", 0))
            boot_id = record.get("boot_id", boot_id)
            if record["kind"] in ("trial_held", "trial_started"):
                self._open[key] = record
            elif record["kind"] == "trial_ended":
                self._open.pop(key, None)
                self.ended.add(key)
        self._why = "agent_died" if boot_id == self.boot_id else "host_rebooted"

    def take_over(self) -> Iterator[Record]:
        """The end of every attempt that was open; its fio is gone by then."""
        for key, record in self._open.items():
            yield self._end(record)
            self.ended.add(key)

    def rejoin(
        self,
        after: int,
        seen_s: Optional[float],
        open_attempts: List[List[Any]],
        running: Collection[Key],
    ) -> Iterator[Record]:
        """What must be journalled before a manager can follow behind its record number `after`.

        The journal is not synced: a crash of this host may have taken what the manager has, and
        its numbers went to others.  `seen_s` is the time of the manager's last record;
        `open_attempts` (trial, attempt, what) are those of which it knows no end.
        """
        is_torn = after > self._journal.last
        if self._is_heir and after > 0 and not is_torn:
            is_torn = self._journal.time_of(after) != seen_s
        if is_torn:
            self._journal.skip_to(after)
            yield {"kind": "journal_lost", "after": after}
        for trial, attempt, what in open_attempts:
            key = (str(trial), int(attempt))
            if key not in running and (is_torn or key not in self.ended):
                now_s = round(self._clock.epoch_s(), 6)
                yield self._end({"trial": key[0], "attempt": key[1], "what": what, "t": now_s})
                self.ended.add(key)

    def _end(self, record: Record) -> Record:
        give_up_s = self._clock.monotonic_s() + _LAST_WORDS_S
        folder = trial_folder(self._run_dir, record["trial"], record["attempt"])
        for place in glob.glob(os.path.join(glob.escape(folder), "target-*[0-9]")):
            while kill_left(place) and self._clock.monotonic_s() < give_up_s:
                select.select((), (), (), 0.02)
        lost = {name: record[name] for name in ("trial", "attempt", "what")}
        times = {"start_s": record.get("start_s", record["t"]), "end_s": record["t"]}
        return {"kind": "trial_ended", **lost, **times, "why": self._why, "targets": []}
