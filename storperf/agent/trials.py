"""One trial on this host: its fio processes, from start to the record of its end."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Optional, Tuple

from storperf.agent.fio_process import FioProcess
from storperf.agent.refusal import FAILED, Refusal

Record = Dict[str, Any]
Key = Tuple[str, int]

MEASURE = "measure"
FILL = "fill"


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


class TrialOnHost:
    """Runs one attempt of one trial; `poll` yields records for the journal."""

    def __init__(self, command: Record, run_dir: str, clock: SteadyClock) -> None:
        self.trial = str(command["trial"])
        self.attempt = int(command["attempt"])
        self.what = str(command["what"])
        self.release_s: Optional[float] = command.get("release_at")
        self.is_ended = False
        self._targets = command["targets"]
        self._deadline_s = float(command["deadline_s"])
        self._clock = clock
        self._run_dir = run_dir
        self._processes: List[FioProcess] = []
        self._started_s = 0.0
        self._over_s = 0.0
        self._stop_at_s: Optional[float] = None
        self._why = ""
        self._newest: Dict[int, Tuple[int, int]] = {}
        self.folder = trial_folder(run_dir, self.trial, self.attempt)

    @property
    def key(self) -> Key:
        """What makes a start idempotent."""
        return self.trial, self.attempt

    @property
    def is_running(self) -> bool:
        """Whether fio was started and has not ended."""
        return bool(self._processes) and not self.is_ended

    def start(self) -> Record:
        """Start fio on every target; the record of the start."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        try:
            for target in self._targets:
                process = FioProcess(target["target"], target["argv"], self.folder, self._run_dir)
                self._processes.append(process)
        except (OSError, ValueError) as error:
            for process in self._processes:
                process.kill()
            raise Refusal(FAILED, "fio cannot be started: {}".format(error)) from error
        self._started_s = self._clock.epoch_s()
        self._over_s = self._clock.monotonic_s() + self._deadline_s
        pids = [[process.pid, process.ticks] for process in self._processes]
        return {**self._record("trial_started"), "start_s": self._started_s, "pids": pids}

    def stop(self, why: str, at_s: Optional[float] = None) -> None:
        """End the trial, now or at a steady epoch time."""
        self._why = self._why or why
        self._stop_at_s = at_s if at_s is not None else self._clock.epoch_s()
        if not self._processes:
            self.is_ended = True

    def poll(self) -> List[Record]:
        """What happened since the last call."""
        now_s = self._clock.monotonic_s()
        records: List[Record] = []
        for process in self._processes:
            if self._stop_at_s is not None and self._clock.epoch_s() >= self._stop_at_s:
                process.stop(now_s)
            if now_s >= self._over_s and not process.is_timed_out:
                process.time_out(now_s)
            records += self._slices(process, process.poll(now_s))
        if all(process.end is not None for process in self._processes):
            self.is_ended = True
            records.append(self._ended())
        return records

    def _slices(self, process: FioProcess, found: List[Record]) -> List[Record]:
        """Journal records of a target's new slices; directions of one document share an index."""
        records = []
        for figures in found:
            at_ms = figures.pop("at_ms")
            newest_ms, index = self._newest.get(process.target, (0, -1))
            if at_ms != newest_ms:
                index += 1
                self._newest[process.target] = (at_ms, index)
            end_s = self._clock.steady_s(at_ms)
            record = self._record("interval" if self.what == MEASURE else "progress")
            record.update(target=process.target, index=index, end_s=round(end_s, 6), **figures)
            record["start_s"] = round(end_s - figures["duration_s"], 6)
            if self.what != MEASURE:
                del record["bins"]
            records.append(record)
        return records

    def _record(self, kind: str) -> Record:
        return {"kind": kind, "trial": self.trial, "attempt": self.attempt, "what": self.what}

    def _ended(self) -> Record:
        return {
            **self._record("trial_ended"),
            "start_s": self._started_s,
            "end_s": self._clock.epoch_s(),
            "why": self._why,
            "targets": [process.end for process in self._processes],
        }

    def kill(self) -> None:
        """End everything at once, without a record."""
        for process in self._processes:
            if process.end is None:
                process.kill()


def trial_folder(run_dir: str, trial: str, attempt: int) -> str:
    """Where a trial's fio output lies."""
    return os.path.join(run_dir, "trials", "{}.{}".format(trial, attempt))
