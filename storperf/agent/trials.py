"""One trial on this host: its fio processes, from start to the record of its end."""

from __future__ import annotations

import math
import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

from storperf.agent.fio_process import FioProcess
from storperf.agent.refusal import FAILED, Refusal
from storperf.agent.steady_clock import SteadyClock

Record = Dict[str, Any]
Key = Tuple[str, int]

MEASURE = "measure"
FILL = "fill"


class TrialOnHost:
    """Runs one attempt of one trial; `poll` yields records for the journal.

    However it goes, the last of them is one `trial_ended`.
    """

    def __init__(self, command: Record, run_dir: str, clock: SteadyClock) -> None:
        self.trial = str(command["trial"])
        self.attempt = int(command["attempt"])
        self.what = str(command["what"])
        self.release_s = optional_number(command, "release_at")
        self.is_ended = False
        self._argvs = {
            int(target["target"]): [str(word) for word in target["argv"]]
            for target in command["targets"]
        }
        self.probes: List[Record] = list(command.get("probes") or [])
        self.sensors: Record = dict(command.get("sensors") or {})
        self._deadline_s = number(command, "deadline_s")
        self._clock = clock
        self._processes: List[FioProcess] = []
        self._started_s = 0.0
        self._over_s = 0.0
        self._stop_at_s: Optional[float] = None
        self._why = ""
        self.folder = trial_folder(run_dir, self.trial, self.attempt)
        if not self._argvs:
            raise ValueError("a trial needs a target")

    @property
    def key(self) -> Key:
        """What makes a start idempotent."""
        return self.trial, self.attempt

    @property
    def fio_pids(self) -> List[int]:
        """The main process of each fio."""
        return [process.pid for process in self._processes]

    @property
    def due_s(self) -> float:
        """The steady epoch time of what comes next: release or stop; inf when nothing is set."""
        release_s = self.release_s if self.release_s is not None and self._is_held else math.inf
        return min(release_s, math.inf if self._stop_at_s is None else self._stop_at_s)

    @property
    def is_due_to_start(self) -> bool:
        """Whether it was held for its release, and that has come before any stop.

        A fio that ended behind its gate is released too: its end says why.
        """
        if not self._is_held:
            return False
        is_time = self.release_s == self.due_s <= self._clock.epoch_s()
        return is_time or any(process.has_ended for process in self._processes)

    @property
    def _is_held(self) -> bool:
        return not self._started_s and not self.is_ended

    @property
    def _is_stop_due(self) -> bool:
        return self._stop_at_s is not None and self._clock.epoch_s() >= self._stop_at_s

    def held(self) -> Record:
        """The record of a trial that waits for its release."""
        return {**self._record("trial_held"), "release_s": self.release_s}

    def spawn(self) -> None:
        """Start fio on every target; with a release it waits at its gate."""
        is_gated = self.release_s is not None
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            for target, argv in self._argvs.items():
                self._processes.append(FioProcess(target, argv, self.folder, gated=is_gated))
        except (OSError, ValueError) as error:
            for process in self._processes:
                process.kill()
            raise Refusal(FAILED, "fio cannot be started: {}".format(error)) from error

    def release(self) -> Record:
        """Let fio begin; the record of the start."""
        for process in self._processes:
            process.release()
        self._started_s = self._clock.epoch_s()
        self._over_s = self._clock.monotonic_s() + self._deadline_s
        pids = [[process.pid, process.ticks] for process in self._processes]
        return {**self._record("trial_started"), "start_s": self._started_s, "pids": pids}

    def stop(self, why: str, at_s: Optional[float] = None) -> None:
        """End the trial, now or at a steady epoch time; the earliest of several stops counts."""
        at_s = self._clock.epoch_s() if at_s is None else at_s
        if self._stop_at_s is None or at_s < self._stop_at_s:
            self._stop_at_s = at_s
            self._why = why

    def poll(self) -> List[Record]:
        """What happened since the last call."""
        if self._is_held:
            if not self._is_stop_due:
                return []
            for process in self._processes:
                process.kill()
            return [self.end(self._why)]
        now_s = self._clock.monotonic_s()
        records: List[Record] = []
        for process in self._processes:
            if self._is_stop_due:
                process.stop(now_s)
            if now_s >= self._over_s and not process.is_timed_out:
                process.time_out(now_s)
            records += self._slices(process, process.poll(now_s))
        if all(process.end is not None for process in self._processes):
            records.append(self.end(self._why, [process.end for process in self._processes]))
        return records

    def end(self, why: str, targets: Sequence[Optional[Record]] = ()) -> Record:
        """The record of the end; without targets it is the end of no measurement."""
        self.is_ended = True
        now_s = self._clock.epoch_s()
        return {
            **self._record("trial_ended"),
            "start_s": self._started_s or now_s,
            "end_s": now_s,
            "why": why,
            "targets": list(targets),
        }

    def give_up(self) -> Tuple[Record, List[str]]:
        """The record of the end of a trial whose fio survives SIGKILL, and what is left of it."""
        pids = [process.pid for process in self._processes if process.end is None]
        left = ["fio (process {}) does not end; its storage hangs".format(pid) for pid in pids]
        return self.end("{}, and fio does not end".format(self._why)), left

    def _slices(self, process: FioProcess, found: List[Record]) -> List[Record]:
        """Journal records of a target's new slices; directions of one document share an index."""
        records = []
        for figures in found:
            end_s = self._clock.steady_s(figures.pop("at_ms"))
            record = self._record("interval" if self.what == MEASURE else "progress")
            record.update(target=process.target, end_s=round(end_s, 6), **figures)
            record["start_s"] = round(end_s - figures["duration_s"], 6)
            if self.what != MEASURE:
                del record["bins"]
            records.append(record)
        return records

    def _record(self, kind: str) -> Record:
        return {"kind": kind, "trial": self.trial, "attempt": self.attempt, "what": self.what}


def trial_folder(run_dir: str, trial: str, attempt: int) -> str:
    """Where a trial's fio output lies; Refusal for a name that leads elsewhere."""
    if not trial or trial.startswith(".") or os.sep in trial or "\0" in trial:
        raise Refusal(FAILED, "{!r} is no name of a trial".format(trial))
    return os.path.join(run_dir, "trials", "{}.{}".format(trial, attempt))


def number(command: Record, name: str) -> float:
    """A finite number in a command; ValueError for anything else."""
    value = float(command[name])
    if not math.isfinite(value):
        raise ValueError("{} is no finite number".format(name))
    return value


def optional_number(command: Record, name: str) -> Optional[float]:
    """The same for one that may be missing or null."""
    return None if command.get(name) is None else number(command, name)
