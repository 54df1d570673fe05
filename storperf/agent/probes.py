"""A user's probe on this host: started when it is due, ended when it takes too long."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import select
import signal
from typing import Any, Dict, List, Optional

from storperf.agent.fio_process import kill_left
from storperf.agent.probe_child import fork
from storperf.agent.schedule import Schedule
from storperf.agent.steady_clock import SteadyClock
from storperf.agent.trials import number, optional_number

Record = Dict[str, Any]

# The child ends its command in time; only one that hangs by itself is still there then.
_GRACE_S = 3.0
_LOOK_S = 0.02
_MOST_ANSWER_BYTES = 1 << 18
_GONE_S = 0.3
_NAME = re.compile(r"[A-Za-z0-9_]{1,60}")


class ProbeOnHost:
    """Runs one probe by its schedule; `poll` yields records without the trial's name.

    A sample at a time: what falls due meanwhile is skipped, and counted.  Only the first failure is
    a record; the last record says how many there were.
    """

    def __init__(self, probe: Record, folder: str, clock: SteadyClock) -> None:
        self.name = str(probe["name"])
        if _NAME.fullmatch(self.name) is None:
            raise ValueError("{!r} is no name of a probe".format(self.name))
        self._probe = {
            "argv": [str(word) for word in probe["argv"]],
            "pattern": probe.get("pattern"),
            "timeout_s": number(probe, "timeout_s"),
        }
        if not self._probe["argv"]:
            raise ValueError("a probe needs a command")
        self._schedule = Schedule(
            number(probe, "every_s"),
            optional_number(probe, "for_s"),
            optional_number(probe, "each_s"),
        )
        self._folder = os.path.join(folder, self.name)
        self._clock = clock
        self._origin_s = 0.0
        self._due_s: Optional[float] = None
        self._child: Optional[_Child] = None
        self._counts = {"samples": 0, "failures": 0, "skipped": 0}
        self._first_failure = ""

    def begin(self) -> None:
        """Let its schedule begin now."""
        self._origin_s = self._clock.monotonic_s()
        self._due_s = self._schedule.due_after(-1.0)

    @property
    def due_s(self) -> float:
        """The monotonic time at which to look again; inf when nothing comes, or not yet."""
        if self._child is not None:
            return self._clock.monotonic_s() + _LOOK_S
        return math.inf if self._due_s is None else self._origin_s + self._due_s

    def poll(self) -> List[Record]:
        """What happened since the last call; a sample that is due is begun."""
        if self._child is None:
            if self._clock.monotonic_s() < self.due_s:
                return []
            try:
                self._child = _Child(self._probe, self._folder, self._clock)
            except OSError as error:
                return self._failed("no process for it: {}".format(error), self._plan())
        answer = self._child.poll()
        if answer is None:
            return []
        child, self._child = self._child, None
        self._counts["skipped"] += self._plan()
        if "fault" in answer:
            return self._failed(str(answer["fault"]))
        self._counts["samples"] += 1
        times = child.times(float(answer.pop("took_s", 0.0)))
        record = {"kind": "probe", "probe": self.name, **times, **answer}
        prefix = "probe.{}.".format(self.name)
        record["figures"] = {prefix + name: value for name, value in answer["figures"].items()}
        return [record]

    def stop(self) -> Record:
        """End what runs, unheard; the record of how it went."""
        if self._child is not None:
            self._child.end()
            self._child = None
        kept = {"kind": "probe_ended", "probe": self.name, "why": self._first_failure}
        return {**kept, **self._counts}

    def _plan(self) -> int:
        """Choose the next due time that is still to come; how many went by since the last."""
        now_s = self._clock.monotonic_s() - self._origin_s
        passed = -1
        while self._due_s is not None and self._due_s <= now_s:
            self._due_s = self._schedule.due_after(self._due_s)
            passed += 1
        return max(0, passed)

    def _failed(self, why: str, skipped: int = 0) -> List[Record]:
        self._counts["failures"] += 1
        self._counts["skipped"] += skipped
        if self._first_failure:
            return []
        self._first_failure = why
        return [{"kind": "probe_failed", "probe": self.name, "why": why}]


class _Child:
    """The process that takes one sample."""

    def __init__(self, probe: Record, folder: str, clock: SteadyClock) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._clock = clock
        self._folder = folder
        self._start_s = clock.epoch_s()
        self._over_s = clock.monotonic_s() + probe["timeout_s"] + _GRACE_S
        self._said = b""
        self._pid, self._fd = fork(probe, folder)

    def times(self, took_s: float) -> Record:
        """When the sample was taken, as steady epoch seconds."""
        return {"start_s": round(self._start_s, 6), "end_s": round(self._start_s + took_s, 6)}

    def poll(self) -> Optional[Record]:
        """The answer, or a `fault`; None while it is taking its sample."""
        while len(self._said) <= _MOST_ANSWER_BYTES:
            try:
                chunk = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return self._patience()
            if not chunk:
                break
            self._said += chunk
        self.end()
        try:
            answer = json.loads(self._said)
        except ValueError:
            return {"fault": "its process ended without an answer"}
        return answer if isinstance(answer, dict) else {"fault": "its process answers nonsense"}

    def _patience(self) -> Optional[Record]:
        if self._clock.monotonic_s() < self._over_s:
            return None
        self.end(signal.SIGKILL)  # in a pattern it would not even hear a SIGTERM
        kill_left(self._folder)
        return {"fault": "it hangs, perhaps in its pattern, and was killed"}

    def end(self, *signals: signal.Signals) -> None:
        """Have it end with all that it started; one that has answered is ending by itself."""
        os.close(self._fd)
        for how in signals or (signal.SIGTERM, signal.SIGKILL):
            if self._is_gone_after(how):
                return
        kill_left(self._folder)

    def _is_gone_after(self, how: signal.Signals) -> bool:
        """Whether it is gone soon after a signal.  Nothing waits for one that the kernel holds."""
        patience = range(int(_GONE_S * 1000))
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, how)
            for _ in patience:
                if os.waitpid(self._pid, os.WNOHANG)[0]:
                    return True
                select.select((), (), (), 0.001)
            return False
        return True
