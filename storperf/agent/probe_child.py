"""One sample of a user's probe, taken in a process of its own.

The process is forked from the supervisor, which takes 2 ms where a new interpreter takes 36.
It runs the command, ends whatever that left behind, reads its output, and says in one JSON object
what it found.  A pattern that takes for ever holds up this process alone.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import select
import signal
import subprocess
import time
from typing import Any, Dict, List, Optional, Tuple

from storperf.agent.fio_process import kill_left
from storperf.agent.plugin_output import STATES, parse_plugin

Record = Dict[str, Any]

# What a pattern is matched against, and what makes a probe one that prints too much.
_KEPT_BYTES = 64 << 10
_FLOOD_BYTES = 1 << 20
_NICENESS = 10
_LOOK_S = 0.02
_GONE_S = 2.0
_MOST_WORDS = 300
_PR_SET_CHILD_SUBREAPER = 36
_PASSED_ON = ("HOME", "LOGNAME", "TZ", "USER")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ProbeFault(Exception):
    """Why a probe gave no figures, in words."""


def fork(probe: Record, folder: str) -> Tuple[int, int]:
    """Begin a sample; the process, and a descriptor from which its answer can be read."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid:
        os.close(writer)
        os.set_blocking(reader, False)
        return pid, reader
    try:
        _answer(writer, probe, folder)
    finally:
        os._exit(0)


def _answer(writer: int, probe: Record, folder: str) -> None:
    _stand_alone(writer)
    stops: List[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stops.append(number))
    start_s = time.monotonic()
    try:
        answer = _take_sample(probe, folder, stops)
    except ProbeFault as fault:
        answer = {"fault": str(fault)}
    answer["took_s"] = round(time.monotonic() - start_s, 6)
    os.write(writer, json.dumps(answer).encode())


def _stand_alone(kept: int) -> None:
    """Leave the supervisor's session and files: its locks must not live on in here."""
    os.setsid()
    os.nice(_NICENESS)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
        if fd > 2 and fd != kept:
            with contextlib.suppress(OSError):
                os.close(fd)
    import ctypes  # late: it costs every supervisor's start, and few have probes

    # What the command leaves behind becomes our child, whatever session it went into.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _take_sample(probe: Record, folder: str, stops: List[int]) -> Record:
    """`figures`, and of a plugin its `text`, `status` and `units`; ProbeFault when there are none.

    `probe` has `argv`, `timeout_s`, and `pattern` unless it is a plugin.  Once `stops` holds
    something the command is ended.
    """
    exit_status, output, messages = _run(probe["argv"], probe["timeout_s"], folder, stops)
    pattern = probe.get("pattern")
    if pattern is not None:
        if exit_status:
            raise ProbeFault(_how_it_ended(exit_status, messages or output))
        return {"figures": match(str(pattern), output)}
    if not 0 <= exit_status < len(STATES):
        raise ProbeFault(_how_it_ended(exit_status, messages or output))
    text, figures, units = parse_plugin(output)
    figures = {**figures, "status": float(exit_status)}
    return {"figures": figures, "units": units, "text": text, "status": exit_status}


def match(pattern: str, output: str) -> Dict[str, float]:
    """The number in each named group of the first match; a group that took no part has none."""
    try:
        found = re.search(pattern, output)
    except re.error as error:
        message = "the pattern is none for the Python of this host: {}".format(error)
        raise ProbeFault(message) from error
    if found is None:
        raise ProbeFault("the pattern is not in its output: {!r}".format(output[:_MOST_WORDS]))
    figures: Dict[str, float] = {}
    for name, text in found.groupdict().items():
        if text is None:
            continue
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ProbeFault("{!r} is no number: {!r}".format(name, text[:_MOST_WORDS]))
        figures[name] = value
    return figures


def _how_it_ended(exit_status: int, said: str) -> str:
    words = said.strip()[-_MOST_WORDS:]
    how = "exit status {}".format(exit_status)
    if exit_status < 0:
        how = "killed by signal {}".format(-exit_status)
    return "{}: {}".format(how, words) if words else how


def environment() -> Dict[str, str]:
    """What a command gets to see: nothing that may be a secret of whoever started the agent."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "PATH": _PATH, "LC_ALL": "C"}


def _run(argv: List[str], timeout_s: float, folder: str, stops: List[int]) -> Tuple[int, str, str]:
    """Exit status, output and messages of a command; nothing of it is left afterwards."""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment(),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ProbeFault("it cannot be started: {}".format(error)) from error
    heard = [_Heard(pipe.fileno()) for pipe in (process.stdout, process.stderr) if pipe is not None]
    fault = _hear(process, heard, timeout_s, stops)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GONE_S)
    _end_what_is_left(folder)
    if fault:
        raise ProbeFault(fault)
    output, messages = (each.text() for each in heard)
    return process.returncode, output, messages


class _Heard:
    """The beginning of what came through a pipe."""

    def __init__(self, fd: int) -> None:
        self.fd: Optional[int] = fd
        self.count = 0
        self._kept = b""
        os.set_blocking(fd, False)

    def hear(self) -> None:
        """Take what is there."""
        while self.fd is not None and self.count <= _FLOOD_BYTES:
            try:
                chunk = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                return
            if not chunk:
                self.fd = None
            self.count += len(chunk)
            self._kept = (self._kept + chunk)[:_KEPT_BYTES]

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")


def _hear(
    process: "subprocess.Popen[bytes]", heard: List[_Heard], timeout_s: float, stops: List[int]
) -> str:
    """Hear a command to its own end, not that of others who hold its pipes; what went wrong."""
    over_s = time.monotonic() + timeout_s
    while not stops:
        has_ended = process.poll() is not None
        for each in heard:
            each.hear()
        if any(each.count > _FLOOD_BYTES for each in heard):
            return "it prints more than {} MiB".format(_FLOOD_BYTES >> 20)
        if has_ended:
            return ""
        if time.monotonic() >= over_s:
            return "it takes longer than its timeout of {:g} s".format(timeout_s)
        open_fds = [each.fd for each in heard if each.fd is not None]
        select.select(open_fds, (), (), _LOOK_S)
    return "it was stopped"


def _end_what_is_left(folder: str) -> None:
    """SIGKILL for everything that the command started, until nothing of it is left."""
    give_up_s = time.monotonic() + _GONE_S
    while time.monotonic() < give_up_s:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            for child in _children(folder):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(child, signal.SIGKILL)
            select.select((), (), (), 0.002)


def _children(folder: str) -> List[int]:
    try:
        with open("/proc/self/task/{}/children".format(os.getpid()), "rb") as source:
            return [int(word) for word in source.read().split()]
    except OSError:
        return kill_left(folder)  # a kernel without CONFIG_PROC_CHILDREN
